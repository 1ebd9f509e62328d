"""The use cases of auth, each inside the caller's transaction, which it never commits.

Outcomes that must be stored although the answer is a refusal (a wrong password, a reused token) come back as None;
the edge commits and then refuses.
"""

from svc.auth.handlers.accounts import change_password, confirm_registration, erase, reset_password, resettable
from svc.auth.handlers.api_keys import create_api_key, list_api_keys, revoke_api_key, verify_api_key
from svc.auth.handlers.bulk import import_users, issue_sessions
from svc.auth.handlers.editing import edit_profile, edit_user, list_users, show_user
from svc.auth.handlers.letters import (
    Wake,
    forget_lapsed,
    request_password_reset,
    request_registration,
    write_letter,
)
from svc.auth.handlers.login import begin_login, finish_login
from svc.auth.handlers.reading import audit_log, known_of
from svc.auth.handlers.second_factor import (
    admit_code,
    begin_second_factor,
    confirm_second_factor,
    disable_second_factor,
    renew_recovery_codes,
    second_factor_state,
)
from svc.auth.handlers.sessions import (
    announce_revocations,
    end_all_sessions,
    end_session,
    open_sessions,
    refresh,
    require_session,
)
from svc.auth.handlers.signing_keys import rotate_key

__all__ = [
    "Wake",
    "admit_code",
    "announce_revocations",
    "audit_log",
    "begin_login",
    "begin_second_factor",
    "change_password",
    "confirm_registration",
    "confirm_second_factor",
    "create_api_key",
    "disable_second_factor",
    "edit_profile",
    "edit_user",
    "end_all_sessions",
    "end_session",
    "erase",
    "finish_login",
    "forget_lapsed",
    "import_users",
    "issue_sessions",
    "known_of",
    "list_api_keys",
    "list_users",
    "open_sessions",
    "refresh",
    "renew_recovery_codes",
    "request_password_reset",
    "request_registration",
    "require_session",
    "reset_password",
    "resettable",
    "revoke_api_key",
    "rotate_key",
    "second_factor_state",
    "show_user",
    "verify_api_key",
    "write_letter",
]
