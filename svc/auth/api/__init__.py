"""Auth over HTTP: signing in for everyone, accounts for their owners and for staff, bulk work for the operator."""

from svc.auth.api.accounts import AccountController, UsersController
from svc.auth.api.api_keys import ApiKeysController, verify_api_key
from svc.auth.api.export import ExportController
from svc.auth.api.internal import InternalController
from svc.auth.api.password_reset import PasswordResetController
from svc.auth.api.second_factor import SecondFactorController
from svc.auth.api.sign_in import SignInController, jwks

ROUTES = (
    SignInController,
    PasswordResetController,
    AccountController,
    SecondFactorController,
    ApiKeysController,
    ExportController,
    UsersController,
    InternalController,
    verify_api_key,
    jwks,
)
