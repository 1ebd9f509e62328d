"""The attack suite: on healthy services no attack gains anything, and each planted hole is found by its own attack."""

from collections import defaultdict

import pytest

from scenarios.defects import catalogue as defects
from scenarios.probes.card import INVARIANT
from scenarios.probes.catalogue import PROBES, probe_of
from tests.support.attack_site import attacked

BY_SERVICES = defaultdict(list)
for _probe in PROBES:
    BY_SERVICES[_probe.card.services].append(_probe)
HOLES = defects.cards("pen_test")


@pytest.mark.parametrize("services", BY_SERVICES, ids="+".join)
async def test_no_attack_gains_anything(engines, prefix, tmp_path, services):
    async with attacked(engines, prefix, tmp_path, *services) as (site, grounds):
        outcomes = [
            await probe.strike(site, grounds, number=number) for number, probe in enumerate(BY_SERVICES[services])
        ]
    assert {one.probe: one.gains for one in outcomes if one.gains} == {}
    assert [one.probe for one in outcomes if not one.reached] == []


@pytest.mark.parametrize("hole", HOLES, ids=[card.id for card in HOLES])
async def test_a_planted_hole_is_found_by_its_attack(engines, prefix, tmp_path, hole):
    (probe,) = [probe_of(name.removeprefix(f"{INVARIANT}.")) for name in hole.caught_by]
    async with attacked(engines, prefix, tmp_path, *probe.card.services, defect=hole.id) as (site, grounds):
        outcome = await probe.strike(site, grounds, number=0)
    assert outcome.gains
