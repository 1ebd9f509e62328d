from shared.declaration import PREFIX
from shared.scopes import AREAS, SCOPES, scope_of
from tests.support.apps import DECLARED


def test_the_areas_are_the_services_with_routes_for_people_but_auth():
    public = {name for name, word in DECLARED.items() if any(route.path.startswith(PREFIX) for route in word.routes)}
    assert set(AREAS) == public - {"auth"}


def test_nobody_has_a_scope_of_auth():
    assert {scope_of("auth", reads=True), scope_of("auth", reads=False)} & SCOPES == set()
    assert {scope_of(area, reads=reads) for area in AREAS for reads in (True, False)} == SCOPES
