"""What a look at an engine ends with: what was found, or one of few refusals, each with its mend."""

from typing import Final

import msgspec

from compose.addresses import place_of
from compose.external.versions import SUPPORTED, Version
from compose.operator_error import OperatorError

LOOK_SECONDS_MAX: Final = 5.0
VARIABLES: Final = {
    "postgres": "SHOPSTREAM_POSTGRES_URL",
    "redis": "SHOPSTREAM_REDIS_URL",
    "kafka": "SHOPSTREAM_KAFKA_BOOTSTRAP",
    "elasticsearch": "SHOPSTREAM_ELASTICSEARCH_URL",
}
"""Where an operator says where an engine is; the services are told theirs under the same names."""
EXAMPLES: Final = {
    "postgres": "postgresql://shop:password@db.example.com:5432/postgres",
    "redis": "redis://:password@cache.example.com:6379/0",
    "kafka": "kafka.example.com:9092",
    "elasticsearch": "https://shop:password@search.example.com:9200",
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that will do: its name and version for people, and what its operator should know."""

    described: str
    notes: tuple[str, ...] = ()


def away(engine: str, url: str, error: BaseException) -> OperatorError:
    """Nobody answers there, or what answers is something else."""
    reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    return OperatorError(
        f"external.{engine}_away",
        f"{_title(engine)} does not answer at {place_of(url)}: {reason}.",
        mend=f"Start it there, or name another: export {VARIABLES[engine]}={EXAMPLES[engine]}",
    )


def wrong_login(engine: str, url: str, reason: str) -> OperatorError:
    """The name or password in the URL is not taken."""
    return OperatorError(
        f"external.{engine}_login",
        f"{_title(engine)} at {place_of(url)} refuses the login: {reason.strip().rstrip('.')}.",
        mend=f"Put the right name and password into {VARIABLES[engine]}, as in {EXAMPLES[engine]}",
    )


def missing_right(engine: str, url: str, what: str, *, grant: str) -> OperatorError:
    """The login works and may not do what a shop needs; `grant` is what to type."""
    return OperatorError(
        f"external.{engine}_right",
        f"{_title(engine)} at {place_of(url)} does not let this login {what}.",
        mend=f"Grant it there: {grant}",
    )


def unfit(engine: str, url: str, what: str, *, mend: str) -> OperatorError:
    """It answers and is set up in a way that a shop cannot run on."""
    return OperatorError(f"external.{engine}_unfit", f"{_title(engine)} at {place_of(url)} {what}.", mend=mend)


def judged(engine: str, url: str, version: Version, *, kind: str = "", notes: tuple[str, ...] = ()) -> Found:
    """The engine with its version. Raises OperatorError `external.ENGINE_version` for one that is too old."""
    supported = SUPPORTED[kind or engine]
    shown = f"{supported.title} {'.'.join(map(str, version))}"
    if supported.refuses(version):
        raise OperatorError(
            f"external.{engine}_version",
            f"{shown} at {place_of(url)} is too old: ShopStream runs on {supported.words}.",
            mend=f"Upgrade it, or name another: export {VARIABLES[engine]}={EXAMPLES[engine]}",
        )
    if supported.is_newer(version):
        notes = (*notes, f"{shown} is newer than what ShopStream is tested with ({supported.words}).")
    return Found(described=f"{shown} at {place_of(url)}", notes=notes)


def _title(engine: str) -> str:
    return SUPPORTED[engine].title
