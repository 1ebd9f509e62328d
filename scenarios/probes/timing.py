"""Who has an account, told by how long an answer takes (security list 34)."""

import statistics
from collections.abc import Sequence
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import Person
from scenarios.probes.probe import Attack, probe

LOGIN: Final = "/api/v1/auth/login"
RESET: Final = "/api/v1/auth/password-reset"
PAIRS: Final = 100
"""Samples of each kind, taken in turn, so that whatever else the machine does slows both."""
KNOWN: Final = 25
TRIES: Final = PAIRS // KNOWN
"""Of one account; more than five wrong passwords would have to wait."""
FROM_ONE_ADDRESS: Final = 5
"""Pairs; the door lets in thirty sign-ins at once."""
ROUNDS_MAX: Final = 3
NOTICEABLE_S: Final = 0.005


def told_apart_s(known: Sequence[float], unknown: Sequence[float]) -> float:
    """By how much the medians differ, signed, where that says something; else 0.

    It says something from NOTICEABLE_S, and from what the two halves of one kind differ: that much is noise.
    """
    difference = statistics.median(known) - statistics.median(unknown)
    noise = max(abs(statistics.median(kind[::2]) - statistics.median(kind[1::2])) for kind in (known, unknown))
    return difference if abs(difference) >= max(NOTICEABLE_S, noise) else 0.0


@probe(
    id="account-timing",
    title="Who has an account, told by the time of an answer",
    severity=Severity.MEDIUM,
    cwe=208,
    owasp=Owasp.AUTHENTICATION,
    remediation="Do the same work for known and unknown addresses: hash against a decoy, look nothing up.",
    services=("gateway", "auth"),
    reaches="auth",
)
async def account_timing(attack: Attack) -> None:
    """What differs by chance differs in one round and not in the next, or the other way round."""
    for path, rest in ((LOGIN, {"password": "not it at all"}), (RESET, {})):
        seen: list[float] = []
        for number in range(ROUNDS_MAX):
            seen.append(await _round(attack, path, rest, number=number))
            if not seen[-1] * seen[0] > 0:
                break
        else:
            least = min(seen, key=abs)
            attack.gained(f"{path}: a known address takes {least * 1000:+.1f} ms, {ROUNDS_MAX} times of {ROUNDS_MAX}")


async def _round(attack: Attack, path: str, rest: dict[str, str], *, number: int) -> float:
    people = [await attack.grounds.person(f"timed-{number}-{one}") for one in range(KNOWN)]
    if path == LOGIN:
        for person in people:
            await _choose_password(attack, person)
    waits: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(PAIRS):
        unknown = f"nobody-{number}-{pair}-{attack.grounds.name}@attack.example"
        emails = {True: people[pair % KNOWN].email, False: unknown}
        for is_known in (True, False) if pair % 2 else (False, True):
            host = 1_000 * (number + 1) + 100 * (path == RESET) + pair // FROM_ONE_ADDRESS
            reply = await attack.ask("POST", path, json={"email": emails[is_known], **rest}, host=host)
            attack.require(reply.status in {202, 401}, f"a sample was refused: {reply.status} {reply.code}")
            waits[is_known].append(reply.seconds)
    return told_apart_s(waits[True], waits[False])


async def _choose_password(attack: Attack, person: Person) -> None:
    """From now on it is hashed as customers' are; that of an imported account is not."""
    change = {"current_password": person.password, "new_password": f"horse {person.user_id} battery"}
    changed = await attack.ask("POST", "/api/v1/auth/password", by=person, json=change)
    attack.require(changed.status == 200, f"nobody could change a password: {changed.status} {changed.code}")


PROBES: Final = (account_timing,)
