"""What a workload is: the part of an incident that buys, pays, reads or does nothing, and judges none of it.

It writes every attempt into the history before its bytes leave, takes everything random from its seed, and tells its
progress to the cues. The runner knows workloads by this protocol only.
"""

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from scenarios.evidence.facts import Chart, WorkloadFacts

if TYPE_CHECKING:
    from scenarios.cues import Cues
    from scenarios.fleet import Fleet
    from scenarios.history import HistoryWriter

ParametersT_contra = TypeVar("ParametersT_contra", bound=msgspec.Struct, contravariant=True)
StageT = TypeVar("StageT")


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the load itself went: `figures` for the report, `problems` why it was not the load that was planned.

    A problem makes the run INVALID. `measured` are figures of other subjects than the load
    itself, `charts` what was measured over time.
    """

    figures: dict[str, float] = {}
    measured: dict[str, dict[str, float]] = {}
    charts: tuple[Chart, ...] = ()
    problems: tuple[str, ...] = ()


class Workload(Protocol[ParametersT_contra, StageT]):
    """Its parameters are a frozen struct whose fields carry bounds and a sentence each, see `scenarios.parameters`."""

    async def prepare(self, fleet: "Fleet", parameters: ParametersT_contra, *, seed: int) -> StageT:
        """Everything the load needs, set up on the running fleet: goods of its own, people who can log in.

        Raises OperatorError when the fleet cannot be brought to the starting line.
        """
        ...

    async def play(self, stage: StageT, history: "HistoryWriter", cues: "Cues") -> LoadReport:
        """The whole load, to the last answer."""
        ...

    def facts(self, stage: StageT, report: LoadReport) -> WorkloadFacts:
        """What the judges must know of this load and cannot read from the fleet.

        Asked after the load with its report, and while it goes on with an empty one, of what there was until then.
        """
        ...
