from scenarios.quiescence import _Progress


def test_only_less_than_ever_before_is_progress() -> None:
    progress = _Progress(0.0)
    looks = [
        (1.0, {"a": 5}, 1.0),
        (2.0, {"a": 4}, 0.0),
        (3.0, {"a": 9, "b": 2}, 1.0),
        (4.0, {"a": 4, "b": 2}, 2.0),
        (5.0, {"a": 4}, 0.0),
        (6.0, {"a": 4, "b": 1}, 1.0),
        (7.0, {"a": 4}, 2.0),
    ]
    for now, waits_for, idle_s in looks:
        assert progress.idle_s(waits_for, now) == idle_s, now
