"""Commands that look at a fleet, on real databases, broker, mail and money; only the services themselves are away."""

import json
import os
from collections.abc import Callable
from email.message import EmailMessage
from uuid import UUID, uuid4

import aiosmtplib
import msgspec
import pytest

from compose import secrets_file
from scenarios.world.journals import read_journals
from shared.contracts.payments import PaymentFailed
from tests.integration.cli.conftest import Beside
from tests.support.command_line import Said
from tests.support.engines import EngineUrls
from tests.support.services import envelope, publish, until
from tests.support.world import call, pay

Shopctl = Callable[..., Said]
WITNESSES = {"psp", "carrier", "smtp", "kafka"}
SERVICES = {"orders", "inventory", "payments", "shipping", "notifications"}


def stored(beside: Beside, order: UUID, number: str) -> None:
    """What the services would have stored of an order that was shipped and partly paid back."""
    customer = uuid4()
    beside.rows(
        "orders",
        "INSERT INTO orders (id, number, customer_id, email, status, state, currency, subtotal_minor, discount_minor, "
        "tax_minor, shipping_minor, total_minor, explanation, payment_method, shipping_method, shipping_address, "
        "idempotency_key, trace_id, placed_at, changed_by, change_reason) VALUES ($1, $2, $3, 'ann@example.com', "
        "'reserved', 'reserved', 'EUR', 100, 0, 0, 0, 100, '', 'tok_visa', 'standard', '{}', 'k', 'trace-of-' || $2, "
        "now(), 'customer', 'placed')",
        order, number, customer,
    )  # fmt: skip
    beside.rows(
        "orders",
        "UPDATE orders SET status = 'paid', state = 'accepted', payment_state = 'captured', changed_by = 'payments' "
        "WHERE id = $1",
        order,
    )
    beside.rows(
        "inventory",
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id) "
        "VALUES ('main', 'JACKET', 'reserve', 0, 1, $1)",
        order,
    )
    beside.rows(
        "payments",
        "INSERT INTO payments (id, order_id, order_number, customer_id, email, amount_minor, currency, "
        "payment_method, status, captured_minor, refund_reserved_minor) "
        "VALUES ($1, $2, $3, $4, 'ann@example.com', 100, 'EUR', 'tok_visa', 'captured', 100, 40)",
        uuid4(), order, number, customer,
    )  # fmt: skip
    beside.rows(
        "payments",
        "INSERT INTO payment_attempts (id, payment_id, number, idempotency_key, outcome, resolved_at) "
        "SELECT gen_random_uuid(), id, 1, id, 'captured', now() FROM payments WHERE order_id = $1",
        order,
    )
    beside.rows(
        "payments",
        "INSERT INTO refunds (id, payment_id, psp_payment_id, amount_minor, currency, reason, requested_by, status, "
        "idempotency_key) SELECT gen_random_uuid(), id, 'p', 40, 'EUR', 'late', 'sue', 'pending', id "
        "FROM payments WHERE order_id = $1",
        order,
    )
    beside.rows(
        "payments",
        "INSERT INTO ledger_entries (id, transaction_id, account, amount_minor, currency, order_id, kind, "
        "previous_hash, entry_hash) SELECT gen_random_uuid(), $2, account, amount, 'EUR', $1, 'capture', "
        "rpad(md5($3 || account), 64, '0'), rpad(md5(account || $3), 64, '1') "
        "FROM (VALUES ('psp_receivable', 100), ('sales', -100)) AS sides (account, amount)",
        order, uuid4(), number,
    )  # fmt: skip
    beside.rows("shipping", "INSERT INTO paid_orders (order_id, payment_id) VALUES ($1, $1)", order)
    beside.rows(
        "shipping",
        "INSERT INTO shipments (id, order_id, number, order_number, customer_id, email, address, method, weight_g, "
        "carrier) VALUES (gen_random_uuid(), $1, 1, $2, $3, 'ann@example.com', '{}', 'standard', 500, 'dhl')",
        order, number, customer,
    )  # fmt: skip
    beside.rows(
        "notifications",
        "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, order_id, context, "
        "message_id, status, sent_at) VALUES (gen_random_uuid(), gen_random_uuid(), 'order_paid', 'email', "
        "'ann@example.com', $2, $1, '{}', $3, 'sent', now())",
        order, customer, number,
    )  # fmt: skip


async def mailed(beside: Beside, to: str, *, subject: str = "Your order", order: UUID | None = None) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message["Message-ID"] = f"<{uuid4()}@shop>"
    message["X-Shopstream-Template"] = "order_paid"
    message["X-Shopstream-Order"] = str(order or "")
    message.set_content(f"Thank you, {to}.")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=beside.bare.world.mail.port, timeout=5)


async def witnessed(beside: Beside, engines: EngineUrls, order: UUID) -> None:
    """What the world outside saw of it."""
    world = beside.bare.world
    await pay(world, str(order))
    label = {
        "merchant_reference": f"shipment of {order}",
        "order_id": str(order),
        "address": {"name": "A", "line1": "B 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "weight_g": 500,
    }
    headers = {"Idempotency-Key": str(order)}
    await call(world, "POST", f"{world.carrier_url}/v1/labels", json=label, headers=headers, expect=201)
    await mailed(beside, "ann@example.com", order=order)
    failed = PaymentFailed(
        order_id=order, customer_id=uuid4(), email="", order_number="", payment_id=uuid4(), amount_minor=1,
        currency="EUR", reason="declined",
    )  # fmt: skip
    await publish(engines, beside.prefix, envelope(failed, failed.payment_id))
    await until(lambda: any(line.order_id == str(order) for line in read_journals(beside.bare.layout.world).tap))


@pytest.fixture(scope="module")
def order(beside: Beside, engines: EngineUrls) -> UUID:
    """One order of which everybody knows, and another one beside it."""
    told, other = uuid4(), uuid4()
    for each, number in ((other, "SO-OTHER"), (told, "SO-TOLD")):
        stored(beside, each, number)
        beside.run(witnessed(beside, engines, each))
    return told


@pytest.mark.parametrize("by", ["id", "number"])
def test_an_orders_story_is_told_by_everybody_who_knows_of_it(shopctl: Shopctl, order: UUID, by: str) -> None:
    said = shopctl("order", str(order) if by == "id" else "SO-TOLD", "--json")
    assert (said.code, said.err) == (0, "")
    story = json.loads(said.out)
    assert (story["order"]["id"], story["order"]["number"], story["order"]["status"]) == (str(order), "SO-TOLD", "paid")
    assert {chapter["where"] for chapter in story["chapters"]} == SERVICES | WITNESSES
    assert [chapter["at"] for chapter in story["chapters"]] == sorted(chapter["at"] for chapter in story["chapters"])


def test_a_story_holds_each_thing_once_and_nothing_of_other_orders(shopctl: Shopctl, order: UUID) -> None:
    chapters = json.loads(shopctl("order", str(order), "--json").out)["chapters"]
    told = [f"{chapter['where']} {chapter['kind']} {chapter['what']}" for chapter in chapters]
    assert sorted(line for line in told if line.split()[0] in SERVICES) == [
        "inventory movement reserve",
        "notifications message order_paid",
        "orders transition  → pending",
        "orders transition pending → reserved",
        "orders transition reserved → paid",
        "payments attempt attempt 1",
        "payments ledger capture",
        "payments ledger capture",
        "payments refund refund pending",
        "shipping shipment  → created",
    ]
    assert sum(line.startswith("kafka payment.failed") for line in told) == 1
    assert sum(line.startswith("smtp accepted order_paid") for line in told) == 1
    assert sum(line.startswith("carrier label ") for line in told) == 1
    assert [line.split()[1] for line in told if line.startswith("psp")] == ["authorise", "capture"]


def test_people_read_an_order_as_a_table(shopctl: Shopctl, order: UUID) -> None:
    out = shopctl("order", "SO-TOLD").out
    assert out.startswith("SO-TOLD  paid  1.00 EUR  ann@example.com\ntrace trace-of-SO-TOLD")
    assert all(name in out for name in SERVICES | WITNESSES)


@pytest.mark.parametrize(
    "name", ["SO-NOBODY", str(uuid4()), "'; DROP TABLE orders", ""], ids=["number", "id", "sql", "empty"]
)
def test_an_order_that_is_not_there_is_unknown(shopctl: Shopctl, name: str) -> None:
    said = shopctl("order", name)
    assert (said.code, said.out, len(said.lines)) == (2, "", 2)
    assert repr(name) in said.lines[0]


def test_the_newest_dead_letters_of_every_service_are_listed(shopctl: Shopctl, beside: Beside) -> None:
    insert = (
        "INSERT INTO dead_letters (consumer, event_id, topic, partition, offset_, reason, detail, attempts, payload, "
        "created_at) SELECT $1, gen_random_uuid(), 'orders', 0, n, 'poison', '', 5, '', now() - n * interval '1 h' "
        "FROM generate_series(1, 3) AS n"
    )
    for service in ("inventory", "search"):
        beside.rows(service, insert, service)
    letters = json.loads(shopctl("events", "dlq", "list", "--json").out)
    assert [(row["consumer"], row["offset_"]) for row in letters] == [
        ("inventory", 1), ("inventory", 2), ("inventory", 3), ("search", 1), ("search", 2), ("search", 3),
    ]  # fmt: skip
    newest = json.loads(shopctl("events", "dlq", "list", "--limit", "1", "--json").out)
    assert [(row["consumer"], row["offset_"]) for row in newest] == [("inventory", 1), ("search", 1)]
    assert "orders/0@3" in shopctl("events", "dlq", "list").out


def test_what_is_open_is_named_and_counted(shopctl: Shopctl, beside: Beside) -> None:
    beside.rows(
        "catalog",
        "INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload) "
        "SELECT gen_random_uuid(), 't', 'x', 'a', n, '' FROM generate_series(1, 3) AS n",
    )
    try:
        said = shopctl("events", "lag", "--json")
        assert said.code == 0
        assert json.loads(said.out)["catalog: unsent events"] == 3
        said = shopctl("events", "lag")
        assert "catalog: unsent events" in said.out
        assert said.lines[-1] == "Work is open."
    finally:
        beside.rows("catalog", "UPDATE outbox SET sent_at = now()")


def test_mails_are_listed_newest_first_and_shown(shopctl: Shopctl, beside: Beside) -> None:
    for subject in ("First", "Second"):
        beside.run(mailed(beside, "bob@example.com", subject=subject))
    mails = json.loads(shopctl("mail", "list", "--to", "bob@example.com", "--json").out)
    assert [mail["subject"] for mail in mails] == ["Second", "First"]
    assert len(json.loads(shopctl("mail", "list", "--to", "bob@example.com", "--limit", "1", "--json").out)) == 1
    assert "Second" in shopctl("mail", "list", "--to", "bob@example.com").out
    said = shopctl("mail", "show", str(mails[0]["n"]))
    assert said.out.strip() == "Thank you, bob@example.com."


@pytest.mark.parametrize("address", ["bob+shop@example.com", "a&limit=1@example.com", "50%@example.com"])
def test_an_address_is_looked_for_to_the_letter(shopctl: Shopctl, beside: Beside, address: str) -> None:
    for _ in range(2):
        beside.run(mailed(beside, address))
    assert len(json.loads(shopctl("mail", "list", "--to", address, "--json").out)) == 2


def test_the_newest_mail_to_an_address_is_shown_without_its_number(shopctl: Shopctl, beside: Beside) -> None:
    for _ in range(2):
        beside.run(mailed(beside, "newest@example.com"))
    newest = json.loads(shopctl("mail", "list", "--to", "newest@example.com", "--json").out)[0]
    assert shopctl("mail", "show", "--to", "newest@example.com").out == shopctl("mail", "show", str(newest["n"])).out
    said = shopctl("mail", "show", "--to", "nobody@example.com")
    assert (said.code, said.lines) == (2, ["There is no mail to nobody@example.com.", "See: shopctl mail list."])


def test_a_mail_that_is_not_there_is_unknown(shopctl: Shopctl) -> None:
    said = shopctl("mail", "show", "999999")
    assert (said.code, said.out) == (2, "")
    assert said.lines == ["There is no mail 999999.", "See: shopctl mail list."]


def test_an_oversold_shop_gets_a_plan_and_is_left_as_it_was(shopctl: Shopctl, beside: Beside) -> None:
    insert = "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reference) VALUES "
    beside.rows("inventory", "INSERT INTO stock (warehouse, sku, on_hand, reserved) VALUES ('main', 'SCARCE', 1, 0)")
    beside.rows("inventory", insert + "('main', 'SCARCE', 'receive', 1, 0, 'opening')")
    for number in (1, 2):
        order = uuid4()
        stored(beside, order, f"SO-SCARCE-{number}")
        beside.rows(
            "orders",
            "INSERT INTO order_lines (order_id, position, sku, product_id, title, quantity, unit_price_minor, "
            "tax_class, line_total_minor, discount_minor, tax_minor) "
            "VALUES ($1, 1, 'SCARCE', $1, '', 1, 100, 'standard', 100, 0, 0)",
            order,
        )
    last = order
    for form in ((), ("--plan",)):
        said = shopctl("repair", "oversell", *form, "--json")
        assert said.code == 0
        planned = json.loads(said.out)
        assert planned["done"] is None
        (scarce,) = [sku for sku in planned["plan"]["skus"] if sku["sku"] == "SCARCE"]
        assert (scarce["supply"], scarce["standing"], scarce["cancel"]) == (1, 2, [str(last)])
        assert said.lines == ["This is the plan; carry it out with --apply."]
    assert [row["status"] for row in beside.rows("orders", "SELECT status FROM orders WHERE id = $1", last)] == ["paid"]


@pytest.mark.parametrize("line", ["seed", "events dlq redrive inventory"])
def test_a_service_that_is_away_is_named_and_no_bug(shopctl: Shopctl, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out) == (3, "")
    what, mend = said.lines[-2:]
    assert "does not answer at http://127.0.0.1:" in what
    assert mend == "Look with: shopctl status."


@pytest.mark.parametrize("line", ["restart gateway", "fault inject kill orders-1", "status"])
def test_a_supervisor_that_does_not_answer_is_no_bug(shopctl: Shopctl, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out) == (3, "")
    assert "No supervisor answers on" in said.lines[-2]


def test_a_shell_on_a_database_that_is_none_is_a_usage_error(shopctl: Shopctl) -> None:
    said = shopctl("db", "frob")
    assert (said.code, len(said.lines)) == (2, 2)
    assert "'frob' has no database" in said.lines[0]


def test_a_shell_gets_its_password_where_only_it_can_read_it(
    shopctl: Shopctl, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = msgspec.structs.replace(
        secrets_file.load_or_make(beside.bare.layout), database_passwords={"orders": "not in argv"}
    )
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(secrets_file, "load_or_make", lambda _: secrets)
    monkeypatch.setattr("os.execv", lambda path, argv: asked.append((path, argv)))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setenv("PGPASSWORD", "")
    said = shopctl("db", "orders", "-c", "SELECT 1")
    assert (said.code, said.err, os.environ["PGPASSWORD"]) == (0, "", "not in argv")
    ((path, argv),) = asked
    assert (path, argv[-2:]) == ("/bin/psql", ["-c", "SELECT 1"])
    assert "not in argv" not in "".join([*argv, said.out])


def test_the_amounts_of_a_story_are_written_as_people_write_money(shopctl: Shopctl, order: UUID) -> None:
    chapters = json.loads(shopctl("order", str(order), "--json").out)["chapters"]
    details = {chapter["detail"] for chapter in chapters if chapter["where"] in {"payments", "psp"}}
    assert any("1.00 EUR" in detail for detail in details)
    assert not any("minor" in detail for detail in details)
