"""API keys: made by a person for a program, within scopes, until they expire or are taken back."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from shared.unit_of_work import UnitOfWork
from svc.auth.domain import API_KEYS_PER_USER_MAX, ApiKeyView, TooManyApiKeys, UnknownApiKey, check_scopes
from svc.auth.handlers.credentials import credentials_changed
from svc.auth.store import api_keys, security_events, users
from svc.auth.store.api_keys import LiveKey


async def create_api_key(
    uow: UnitOfWork, user_id: UUID, *, name: str, scopes: Sequence[str], ttl_s: float
) -> tuple[ApiKeyView, str]:
    """A key, and its text that is shown this once. Raises `UnknownScope`, `TooManyApiKeys`."""
    scopes = check_scopes(scopes)
    await users.lock(uow.connection, user_id)
    if await api_keys.count_live(uow.connection, user_id) >= API_KEYS_PER_USER_MAX:
        raise TooManyApiKeys("take one back first", keys_max=API_KEYS_PER_USER_MAX)
    key = api_keys.new_key()
    view = await api_keys.insert(uow.connection, uuid4(), user_id, key, name=name, scopes=scopes, ttl_s=ttl_s)
    await credentials_changed(uow, user_id, "api_key_created", f"prefix={key.prefix} scopes={','.join(scopes)}")
    return view, key.text


async def list_api_keys(uow: UnitOfWork, user_id: UUID) -> list[ApiKeyView]:
    """A person's keys that work, the newest first."""
    return await api_keys.list_live(uow.connection, user_id)


async def revoke_api_key(uow: UnitOfWork, user_id: UUID, key_id: UUID) -> None:
    """Take one's own key back; repeating it changes nothing. Raises `UnknownApiKey` for a foreign one."""
    if not await api_keys.owned(uow.connection, key_id, user_id):
        raise UnknownApiKey("there is no such key")
    if await api_keys.revoke(uow.connection, key_id, "revoked"):
        await security_events.record(uow.connection, "api_key_revoked", user_id, f"key={key_id}")


async def verify_api_key(uow: UnitOfWork, text: str) -> LiveKey | None:
    """Whom a key speaks for, with the owner's roles of now; None when it is worth nothing."""
    key = await api_keys.find(uow.connection, text)
    if key is not None:
        await api_keys.note_use(uow.connection, key.id)
    return key
