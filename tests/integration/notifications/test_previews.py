"""What staff sees of the letters before anybody gets one."""

import pytest

from svc.notifications.domain import ABOUT, LOCALES
from tests.support.notifying import FEED, desk, reader
from tests.support.probes import person

pytestmark = pytest.mark.service("notifications")

TEMPLATES = f"{FEED}/templates"


async def test_staff_previews_a_template_as_each_reader_would_get_it_and_nothing_is_sent(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        call, support = notifications.service.call, person("support")
        _, listed = await call("GET", TEMPLATES, principal=support)
        assert {it["template"]: it["version"] for it in listed["items"]} == {
            template.value: about.version for template, about in ABOUT.items()
        }
        subjects = set()
        for one in listed["items"]:
            for locale in LOCALES:
                path = f"{TEMPLATES}/{one['template']}/preview?locale={locale}"
                status, shown = await call("GET", path, principal=support)
                assert (status, shown["locale"], shown["version"]) == (200, locale, one["version"])
                assert f'lang="{locale}"' in shown["mail"]["html"]
                subjects.add(shown["mail"]["subject"])
        assert len(subjects) > len(ABOUT)
        assert await notifications.deliveries() == []
        assert notifications.journals().smtp == []


async def test_what_there_is_not_is_not_shown_and_customers_see_none(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        call, support = notifications.service.call, person("support")
        status, problem = await call("GET", f"{TEMPLATES}/no_such/preview", principal=support)
        assert (status, problem["code"]) == (404, "unknown_template")
        for path in (TEMPLATES, f"{TEMPLATES}/order_paid/preview"):
            assert (await call("GET", path, principal=reader()))[0] == 403
