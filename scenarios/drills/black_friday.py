"""Incident 05: Black Friday. Far too many visitors, things that go away, a shop that must come back by itself."""

from typing import Final

from msgspec.structs import replace

from scenarios import rare_states
from scenarios.checkers import ALL_CHECKERS, named
from scenarios.cues import OnSignal
from scenarios.defects import catalogue
from scenarios.faults.fault import Fault
from scenarios.faults.mail import MailRefuse
from scenarios.faults.network import Blackhole, Down, Latency
from scenarios.faults.processes import Pause
from scenarios.faults.redis import CacheFlush, RedisPause
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.resilience import RESILIENCE, dependency_of
from scenarios.workloads.rush import HEIGHT, SURGE, TROUBLE, Rush, RushParameters

AWAY_S: Final = 6.0
CATALOG_CACHE: Final = "*cache:catalog*"
QUICKLY: Final = RushParameters()
LONG: Final = RushParameters(calibrate_s=20.0, baseline_s=60.0, away_s=0.0, surge_s=30.0, after_s=180.0, probe_s=5.0)


def _during_trouble(fault: Fault) -> FaultStep:
    return FaultStep(fault=fault, at=OnSignal(TROUBLE), for_s=AWAY_S)


def _during_surge(fault: Fault, *, for_s: float) -> FaultStep:
    return FaultStep(fault=fault, at=OnSignal(SURGE), for_s=for_s)


SEARCH_AWAY: Final = Blackhole(target="search:elasticsearch")
SLOW_DATABASE: Final = Latency(target="catalog:postgres", latency_ms=300)
FLUSH: Final = CacheFlush(pattern=CATALOG_CACHE)

TRIGGERS: Final[dict[str, tuple[Fault, ...]]] = {
    "surge": (),
    "database": (Latency(target="all:postgres", latency_ms=300),),
    "cache": (SLOW_DATABASE, FLUSH),
    "search": (SEARCH_AWAY,),
    "redis": (RedisPause(),),
    "mail": (MailRefuse(),),
}
"""What can happen, one at a time; `surge` is the workload's own."""
SILENT: Final[dict[str, Fault]] = {
    "catalog": Blackhole(target="gateway:catalog"),
    "inventory": Blackhole(target="orders:inventory"),
}
"""They live and beat, take connections from who calls them most and answer none: only a breaker can tell."""
AWAY: Final[dict[str, Fault]] = {
    "elasticsearch": SEARCH_AWAY,
    "smtp": MailRefuse(),
    "psp": Down(target="payments:psp"),
    "kafka": Pause("kafka"),
    "redis": RedisPause(),
    **{
        service: Pause(f"{service}-1")
        for service in ("search", "notifications", "analytics", "payments", "inventory", "catalog", "orders")
    },
    "catalog-2": Pause("catalog-2"),
}
"""How each dependency of the resilience matrix goes away."""
SECOND: Final = {"catalog-2": {"catalog": 2}}
"""What there must be another one of, to go away."""
SHORT: Final = RushParameters(
    calibrate_s=6.0, probe_s=0.0, baseline_s=5.0, away_s=15.0, surge=0.0, surge_s=0.0, after_s=15.0
)
NOTHING_AWAY: Final = {"INV-26": "nothing is away that anything was promised for"}
NO_LISTS: Final = {"INV-21": "no list is asked for at two sizes"}
PAIRS: Final = (("surge", "cache"), ("surge", "search"), ("surge", "redis"), ("database", "search"), ("redis", "mail"))


def _form(*names: str) -> Form:
    """The triggers of these names at the same moment, for half a minute, after a minute of an ordinary day."""
    faults = [fault for name in names for fault in TRIGGERS[name]]
    return Form(
        parameters=LONG if "surge" in names else replace(LONG, surge=0.0),
        faults=tuple(
            FaultStep(fault=fault, at=OnSignal(HEIGHT if fault is FLUSH else SURGE), for_s=LONG.surge_s)
            for fault in faults
        ),
        skips={} if any(dependency_of(fault.target) in RESILIENCE for fault in faults) else NOTHING_AWAY,
        quiesce_s=180.0,
    )


def _without(name: str) -> Form:
    """One row of the resilience matrix: the dependency is away for a while, at an ordinary load."""
    return _short(AWAY[name], scale=SECOND.get(name, {}))


def _short(fault: Fault, *, scale: dict[str, int] | None = None) -> Form:
    step = FaultStep(fault=fault, at=OnSignal(TROUBLE), for_s=SHORT.away_s - 2.0)
    return Form(parameters=SHORT, faults=(step,), skips=NO_LISTS, quiesce_s=120.0, scale=scale or {})


SCENARIO = Scenario(
    id="black-friday",
    title="Black Friday meltdown",
    story=(
        "A post-incident review: for more than four hours of the busiest day most checkouts failed. It began with five "
        "times the usual traffic; breakers, caches and pools made it worse, and the shop stayed down after the "
        "campaign was switched off, until somebody restarted it."
    ),
    workload=Rush(),
    required=(
        rare_states.LOOKED_IN_TROUBLE,
        rare_states.SEARCHED_IN_TROUBLE,
        rare_states.CART_IN_TROUBLE,
        rare_states.ORDERED_IN_TROUBLE,
        rare_states.LOOKED_AFTER,
        rare_states.SEARCHED_AFTER,
        rare_states.CART_AFTER,
        rare_states.ORDERED_AFTER,
    ),
    forms={
        FULL: _form("surge"),
        QUICK: Form(
            parameters=QUICKLY,
            faults=(
                _during_trouble(SEARCH_AWAY),
                _during_surge(SLOW_DATABASE, for_s=QUICKLY.surge_s),
                FaultStep(fault=FLUSH, at=OnSignal(HEIGHT), for_s=0.0),
            ),
            quiesce_s=60.0,
        ),
        **{name: _form(name) for name in TRIGGERS if name != "surge"},
        **{f"without-{name}": _without(name) for name in RESILIENCE},
        **{f"silent-{name}": _short(fault) for name, fault in SILENT.items()},
        **{"-and-".join(pair): _form(*pair) for pair in PAIRS},
    },
    skips={"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"},
    checkers=(*ALL_CHECKERS, *named("INV-19", "INV-20", "INV-21", "INV-22", "INV-26", "INV-27")),
    defects=catalogue.cards("black_friday"),
)
