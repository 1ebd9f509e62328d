from scenarios.world.journals import read_journals
from tests.support.world import call, running_world


async def quote(world, base, to, *, expect=200):
    url = f"{world.psp_url}/v1/exchange-rates?base={base}&quote={to}"
    return (await call(world, "GET", url, expect=expect))[1]


async def test_a_rate_changes_when_told_and_every_quote_can_be_found_again(tmp_path):
    async with running_world(tmp_path) as world:
        before = await quote(world, "USD", "EUR")
        change = {"currency": "USD", "per_euro": "1.123596"}
        await call(world, "PUT", f"{world.psp_url}/control/exchange-rates", json=change, expect=200)
        after = await quote(world, "USD", "EUR")
    assert (before["rate"], after["rate"]) == ("0.920000", "0.890000")
    quoted = {f"rate_{line.n}": line.rate for line in read_journals(tmp_path).exchange if line.kind == "quoted"}
    assert quoted == {before["id"]: "0.920000", after["id"]: "0.890000"}
    async with running_world(tmp_path) as world:
        assert (await quote(world, "USD", "EUR"))["rate"] == "0.890000"


async def test_an_unknown_currency_or_a_zero_rate_is_refused(tmp_path):
    async with running_world(tmp_path) as world:
        await quote(world, "EUR", "AED", expect=422)
        url = f"{world.psp_url}/control/exchange-rates"
        await call(world, "PUT", url, json={"currency": "USD", "per_euro": "0.0"}, expect=400)
