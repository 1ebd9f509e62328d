"""What letters say: every template in every locale and version, amounts as people write them, and nothing injected."""

from email import message_from_bytes
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

import svc.notifications
from svc.notifications.clients.mail import POLICY
from svc.notifications.domain import (
    ABOUT,
    LOCALES,
    SHORT_CHARACTERS_MAX,
    Template,
    Topic,
    UnknownTemplate,
    UnsubscribeLinks,
    short_text,
)
from svc.notifications.letters import UNSUBSCRIBE_PATH, Writer
from svc.notifications.previewing import preview
from svc.notifications.store.deliveries import Delivery

pytestmark = pytest.mark.service("notifications")

TEMPLATES = Path(svc.notifications.__file__).parent / "templates"
SECRET = "a-secret-of-a-test-0123456789abcdef"
LINKS = UnsubscribeLinks(SECRET)
WRITER = Writer("orders@shopstream.example", SECRET, shop_url="https://shop.example/", links=LINKS)
ANN = UUID(int=7)
FILES = sorted(path for path in TEMPLATES.glob("*/*.*") if path.suffix in {".txt", ".html"})


def delivery(template=Template.ORDER_PAID, *, locale="en", context=None, **changed):
    facts = Delivery(
        id=ANN, event_id=ANN, template=template.value, template_version=ABOUT[template].version, locale=locale,
        channel="email", recipient="ann@example.com", customer_id=ANN, order_id=None, amount_minor=123_456,
        currency="EUR", context=context or {"order_number": "SO-1"}, traceparent=None, message_id="m@shopstream",
        attempts=1,
    )  # fmt: skip
    return msgspec.structs.replace(facts, **changed)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", Template)
def test_every_template_can_be_shown_in_every_locale(template, locale):
    shown = preview(WRITER, template.value, locale=locale, version=None)
    assert shown.version == ABOUT[template].version
    for words in (shown.mail.subject, shown.mail.text, shown.short.title, shown.short.text):
        assert words
        assert "\n" not in shown.mail.subject
    assert f'lang="{locale}"' in shown.mail.html


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_file_is_a_version_of_a_template_that_is_still_readable(path):
    template, version, _ = path.name.split(".")
    assert 1 <= int(version) <= ABOUT[Template(template)].version
    assert preview(WRITER, template, locale=path.parent.name, version=int(version)).version == int(version)


@pytest.mark.parametrize(("template", "version"), [("nothing", None), ("welcome", 2), ("../layout", None)])
def test_what_there_is_not_cannot_be_shown(template, version):
    with pytest.raises(UnknownTemplate):
        preview(WRITER, template, locale="en", version=version)


@pytest.mark.parametrize(("locale", "amount"), [("en", "€1,234.56"), ("de", "1.234,56\xa0€")])
def test_amounts_are_written_as_the_readers_language_writes_them(locale, amount):
    assert amount in WRITER.words(delivery(locale=locale)).text


def test_a_letter_of_an_older_version_says_what_it_said():
    lines = [{"title": "Jacket", "quantity": 1, "total": "€12.34"}]
    old = delivery(
        Template.ORDER_PLACED, template_version=1, context={"order_number": "SO-1", "amount": "€12.34", "lines": lines}
    )
    assert "1 × Jacket: €12.34" in WRITER.words(old).text


def test_markup_in_a_title_is_text():
    lines = [{"title": "<script>x</script>{{ 7 * 7 }}", "quantity": 1, "total_minor": 1}]
    words = WRITER.words(delivery(Template.ORDER_PLACED, context={"order_number": "SO-1", "lines": lines}))
    assert "<script>" not in words.html
    assert "&lt;script&gt;x&lt;/script&gt;{{ 7 * 7 }}" in words.html


def test_a_subject_is_one_line_however_the_order_is_called():
    odd = delivery(context={"order_number": "SO-1\r\nBcc: eve@example.com"})
    sent = message_from_bytes(WRITER.message(odd).as_bytes(policy=POLICY))
    assert (sent["Bcc"], sent["To"]) == (None, "ann@example.com")


def test_the_link_to_unsubscribe_is_whole_in_its_header():
    """A header that is folded or encoded is no link to a mail program."""
    sent = WRITER.message(delivery()).as_bytes(policy=POLICY).decode()
    token = LINKS.token(ANN, Topic.ORDERS)
    assert f"\r\nList-Unsubscribe: <https://shop.example{UNSUBSCRIBE_PATH}/{token}>\r\n" in sent
    assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in sent


def test_a_letter_that_everybody_must_get_offers_no_way_out():
    welcome = delivery(Template.WELCOME, context={"name": "Ann"})
    sent = WRITER.message(welcome)
    assert (sent["List-Unsubscribe"], sent["List-Unsubscribe-Post"]) == (None, None)
    assert "unsubscribe" not in WRITER.words(welcome).html


def test_a_small_screen_shows_the_subject_and_the_first_paragraph():
    lines = [{"title": "Jacket", "quantity": 1, "total_minor": 1}]
    short = WRITER.short(delivery(Template.ORDER_PLACED, context={"order_number": "SO-1", "lines": lines}))
    assert (short.title, short.text) == ("Your order SO-1", "Thank you for your order SO-1.")


@pytest.mark.parametrize("length", [SHORT_CHARACTERS_MAX, SHORT_CHARACTERS_MAX + 1, 10_000])
def test_a_short_message_is_bounded(length):
    text = short_text("x" * length)
    assert len(text) == min(length, SHORT_CHARACTERS_MAX)
    assert text.endswith("…") is (length > SHORT_CHARACTERS_MAX)
