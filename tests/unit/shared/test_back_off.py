from shared.back_off import SPREAD, BackOff

BACK_OFF = BackOff(first_s=0.25, max_s=5.0)


def test_the_wait_doubles_up_to_its_bound():
    longest = [max(BACK_OFF.delay_s(attempts) for _ in range(200)) for attempts in range(1, 40)]
    assert 0.2 < longest[0] <= 0.25
    assert 0.8 < longest[2] <= 1.0
    assert all(4.0 <= wait_s <= 5.0 for wait_s in longest[8:])


def test_what_failed_together_does_not_return_together():
    waits = {BACK_OFF.delay_s(3) for _ in range(50)}
    assert len(waits) > 40
    assert min(waits) >= 1.0 * (1 - SPREAD)
