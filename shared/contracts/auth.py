"""What the auth service publishes. Aggregate: the user, from the registration on; of a reset or a repeat the request.

No event carries a token or a hash: `request_id` names the row from which a letter's token is derived
(`shared.one_time_tokens`).
"""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="auth.events", partitions=2)


class UserFact(Event, frozen=True, kw_only=True):
    """Something about one person, and where they are told of it."""

    topic: ClassVar[Topic] = TOPIC
    user_id: UUID
    email: str
    name: str


class RegistrationRequested(UserFact, frozen=True, kw_only=True):
    """Somebody wants an account and has yet to prove the address; `user_id` is whose it will be."""

    type: ClassVar[str] = "user.registration_requested"


class RegistrationRepeated(UserFact, frozen=True, kw_only=True):
    """Somebody wanted an account under the address of one that exists; only its owner is told."""

    type: ClassVar[str] = "user.registration_repeated"


class UserRegistered(UserFact, frozen=True, kw_only=True):
    """The address is proven: somebody may log in now."""

    type: ClassVar[str] = "user.registered"


class PasswordResetRequested(UserFact, frozen=True, kw_only=True):
    """Somebody says that they forgot the password of this account."""

    type: ClassVar[str] = "user.password_reset_requested"
    request_id: UUID


class CredentialsChanged(UserFact, frozen=True, kw_only=True):
    """How the account is signed in to has changed; `change` says what, such as `password_changed`."""

    type: ClassVar[str] = "user.credentials_changed"
    change: str


class UserDeleted(Event, frozen=True, kw_only=True):
    """The account is erased, or its address was never proven; consumers forget the person."""

    type: ClassVar[str] = "user.deleted"
    topic: ClassVar[Topic] = TOPIC
    user_id: UUID
