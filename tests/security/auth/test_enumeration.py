"""Nobody learns from an answer which addresses have an account: not by its words, not by the work behind it."""

import pytest

from tests.support.auth_steps import PASSWORD, auth_served, new_email, register
from tests.support.statements import API_ONLY, noted_statements

pytestmark = pytest.mark.service("auth")

ASKING = {
    "/api/v1/auth/register": {"password": PASSWORD, "name": "Eve"},
    "/api/v1/auth/password-reset": {},
}


@pytest.mark.parametrize("path", ASKING)
async def test_known_and_unknown_addresses_get_one_answer_for_the_same_statements(engines, prefix, path):
    with noted_statements() as statements:
        async with auth_served(engines, prefix, **API_ONLY) as auth:
            known = (await register(auth))["email"]
            seen = []
            for email in (new_email(), known, new_email(), known):
                with statements.counted() as asked:
                    status, answer = await auth.call(
                        "POST", path, anonymous=True, json={"email": email, **ASKING[path]}
                    )
                seen.append((status, {**answer, "email": answer["email"] == email}, list(asked)))
            assert seen[0][0] == 202
            assert len(seen[0][2]) > 1
            assert [one for one in seen if one != seen[0]] == []
            # the reason, should somebody add a look at the account: this is where it would be seen
            assert not any("users" in statement for statement in seen[0][2])
