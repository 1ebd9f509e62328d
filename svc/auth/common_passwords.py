"""The heads of published lists of leaked passwords, at or above our minimum length; for equality, lower case."""

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from svc.auth.domain import PASSWORD_LENGTH_MIN

_OURS = ("shopstream", "shopstream1", "shopstream123")

COMMON_PASSWORDS = frozenset(
    password for password in (*FREQUENCY_LISTS["passwords"], *_OURS) if len(password) >= PASSWORD_LENGTH_MIN
)
