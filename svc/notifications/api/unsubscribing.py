"""The link in a mail that unsubscribes: RFC 8058's one click for mail programs, a page with a button for people."""

from litestar import Controller, MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from shared.database import Database
from svc.notifications import handlers
from svc.notifications.domain import UnsubscribeLinks

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ShopStream</title></head><body>{body}</body></html>
"""
ASKED = '<form method="post"><p>No more mails like this one?</p><button>Unsubscribe</button></form>'
DONE = "<p>You will get no more mails like this one. Your preferences say what else you get.</p>"


class UnsubscribeController(Controller):
    path = "/api/v1/notifications/unsubscribe/{token:str}"
    tags = ("notifications",)

    @get("/", opt={"public": True}, media_type=MediaType.HTML)
    async def ask(self, token: FromPath[str], links: NamedDependency[UnsubscribeLinks]) -> str:
        """A page that asks: looking changes nothing, for programs follow every link of a mail."""
        links.read(token)
        return PAGE.format(body=ASKED)

    @post("/", opt={"public": True}, media_type=MediaType.HTML, status_code=200)
    async def unsubscribe(
        self,
        token: FromPath[str],
        database: NamedDependency[Database],
        links: NamedDependency[UnsubscribeLinks],
    ) -> str:
        """The reader wants no more mails like the one the link was in; a repeat changes nothing."""
        wish = links.read(token)
        async with database.begin() as uow:
            await handlers.unsubscribe(uow, wish)
        return PAGE.format(body=DONE)
