"""Templates for staff: what there is, and how each looks."""

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from shared.identity import requires_role
from svc.notifications.domain import ABOUT, LOCALES, Locale
from svc.notifications.letters import Writer
from svc.notifications.previewing import Preview, preview

VERSION_MAX = 1_000


class TemplateView(msgspec.Struct, frozen=True):
    """`version` is the one letters are written by now; older ones can be previewed too."""

    template: str
    topic: str
    channels: list[str]
    version: int
    locales: list[str]


class Templates(msgspec.Struct, frozen=True):
    items: list[TemplateView]


class TemplatesController(Controller):
    path = "/api/v1/notifications/templates"
    tags = ("templates",)
    guards = (requires_role("support", "admin"),)

    @get("/")
    async def list_templates(self) -> Templates:
        """Every template, its topic and the channels it is fit for."""
        return Templates(
            [
                TemplateView(template.value, about.topic.value, [*about.channels], about.version, [*LOCALES])
                for template, about in ABOUT.items()
            ]
        )

    @get("/{template:str}/preview")
    async def preview(
        self,
        template: FromPath[str],
        writer: NamedDependency[Writer],
        locale: FromQuery[Locale] = "en",
        version: Annotated[int | None, QueryParameter(ge=1, le=VERSION_MAX)] = None,
    ) -> Preview:
        """The template with a sample, as mail and for a small screen; nothing is sent."""
        return preview(writer, template, locale=locale, version=version)
