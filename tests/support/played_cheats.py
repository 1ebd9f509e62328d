"""The scripted cheats of `drill_cheats`, done to a running fleet by whoever owns it; each is undone afterwards."""

import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from scenarios.world.journals import PSP_JOURNAL, SMTP_JOURNAL, TAP_JOURNAL, PspRecord, last_n, read
from tests.support.operator import Operator


class Scene:
    """A fleet under a drill of a broken sale: the run, the orders that were sold beyond the supply."""

    def __init__(self, operator: Operator, run: str) -> None:
        self.operator = operator
        self.run = operator.layout.runs / run
        planned = operator.told("repair", "oversell")["plan"]
        self.oversold = sorted({order_id for sku in planned["skus"] for order_id in sku["cancel"]})

    @property
    def those_oversold(self) -> str:
        """As a condition of SQL."""
        return "IN (" + ", ".join(f"'{order_id}'" for order_id in self.oversold) + ")"


Cheat = Callable[[Scene], AbstractContextManager[None]]


def nothing_but_a_restart(scene: Scene) -> AbstractContextManager[None]:
    return _done(scene, "restart", "inventory")


def the_fault_healed_and_nothing_repaired(scene: Scene) -> AbstractContextManager[None]:
    return _done(scene, "fault", "heal")


@contextmanager
def orders_of_the_oversold_deleted(scene: Scene) -> Generator[None]:
    statements = (
        f"DELETE FROM orders WHERE id {scene.those_oversold}",
        f"DELETE FROM order_lines WHERE order_id {scene.those_oversold}",
    )
    with _changed(scene, "orders", ("orders", "order_lines"), *statements):
        yield


def audit_view_without_the_latest_orders(scene: Scene) -> AbstractContextManager[None]:
    return _view(scene, f"SELECT * FROM ({{}}) AS it WHERE id NOT {scene.those_oversold}")


def audit_view_that_calls_the_oversold_cancelled(scene: Scene) -> AbstractContextManager[None]:
    status = f"CASE WHEN id {scene.those_oversold} THEN 'cancelled' ELSE status END AS status"
    columns = scene.operator.rows(
        "orders",
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'audit' AND table_name = 'orders' "
        "ORDER BY ordinal_position",
    )
    shown = ", ".join(status if row["column_name"] == "status" else row["column_name"] for row in columns)
    return _view(scene, f"SELECT {shown} FROM ({{}}) AS it")


def orders_of_the_oversold_called_cancelled(scene: Scene) -> AbstractContextManager[None]:
    return _changed(
        scene, "orders", ("orders",), f"UPDATE orders SET status = 'cancelled' WHERE id {scene.those_oversold}"
    )


def more_units_in_the_column(scene: Scene) -> AbstractContextManager[None]:
    return _changed(scene, "inventory", ("stock",), "UPDATE stock SET on_hand = on_hand + 1000")


def more_supply_in_the_facts(scene: Scene) -> AbstractContextManager[None]:
    return _file(scene.run / "facts.json", lambda text: re.sub(rb'("quantity": ?)(\d+)', rb"\g<1>99\2", text))


def history_rewritten(scene: Scene) -> AbstractContextManager[None]:
    return _file(scene.run / "history.jsonl", lambda text: text.replace(b'"ok"', b'"fail"'))


def journal_of_the_provider_shortened(scene: Scene) -> AbstractContextManager[None]:
    return _file(scene.operator.layout.world / PSP_JOURNAL, lambda text: _without(text, b'"kind":"capture"'))


def mails_forgotten(scene: Scene) -> AbstractContextManager[None]:
    return _file(scene.operator.layout.world / SMTP_JOURNAL, lambda _: b"")


def events_of_the_broker_forgotten(scene: Scene) -> AbstractContextManager[None]:
    return _file(scene.operator.layout.world / TAP_JOURNAL, lambda text: _without(text, b"order.created"))


def ledger_rewritten(scene: Scene) -> AbstractContextManager[None]:
    latest = "SELECT max(created_at) FROM ledger_entries"
    return _changed(
        scene,
        "payments",
        ("ledger_entries",),
        f"UPDATE ledger_entries SET amount_minor = sign(amount_minor) WHERE created_at = ({latest})",
    )


def movements_deleted(scene: Scene) -> AbstractContextManager[None]:
    return _changed(scene, "inventory", ("movements",), "DELETE FROM movements WHERE type = 'commit'")


def dead_sagas_deleted(scene: Scene) -> AbstractContextManager[None]:
    return _changed(scene, "orders", ("sagas",), f"DELETE FROM sagas WHERE order_id {scene.those_oversold}")


def everybody_cancelled(scene: Scene) -> AbstractContextManager[None]:
    return _changed(scene, "orders", ("orders",), "UPDATE orders SET status = 'cancelled'")


@contextmanager
def everybody_paid_back(scene: Scene) -> Generator[None]:
    """By the provider's journal at least: what is forged there was done, as far as the provider knows."""
    journal = scene.operator.layout.world / PSP_JOURNAL
    captures = [line for line in read(journal, PspRecord) if line.kind == "capture"]
    with _appended(journal, (_refund_of(line) for line in captures)):
        yield


@contextmanager
def a_later_run_pretended(scene: Scene) -> Generator[None]:
    """As if the orders of the sale were those of another run, which nobody asks about."""
    pretended = scene.run.with_name(f"{scene.run.name}-x")
    pretended.mkdir()
    try:
        yield
    finally:
        pretended.rmdir()


REPAIRS: tuple[tuple[Cheat, str], ...] = (
    (nothing_but_a_restart, "INV-02"),
    (the_fault_healed_and_nothing_repaired, "INV-02"),
    (orders_of_the_oversold_deleted, "INV-09"),
    (audit_view_without_the_latest_orders, "INV-09"),
    (audit_view_that_calls_the_oversold_cancelled, "INV-09"),
    (orders_of_the_oversold_called_cancelled, "INV-12"),
    (more_units_in_the_column, "INV-01"),
    (more_supply_in_the_facts, "INV-02"),
    (history_rewritten, "INV-09"),
    (journal_of_the_provider_shortened, "INV-05"),
    (mails_forgotten, "INV-17"),
    (events_of_the_broker_forgotten, "INV-13"),
    (ledger_rewritten, "INV-07"),
    (movements_deleted, "INV-01"),
    (dead_sagas_deleted, "INV-11"),
    (everybody_cancelled, "INV-03"),
    (everybody_paid_back, "INV-06"),
    (a_later_run_pretended, "INV-02"),
)
"""Instead of a repair, and the invariant that must refuse it."""


def nobody_is_answered(scene: Scene) -> None:
    """The service is stopped; scaling it to nothing is refused."""
    assert scene.operator.shopctl("up", "--scale", "inventory=0").returncode == 2
    for instance in ("inventory-1", "inventory-2"):
        _inject(scene, "pause", instance)


def the_sale_is_closed(scene: Scene) -> None:
    """What is for sale is taken off the shelf."""
    scene.operator.rows("inventory", "UPDATE stock SET on_hand = reserved, version = version + 1")


def every_buyer_is_turned_away(scene: Scene) -> None:
    _inject(scene, "down", "gateway:orders")


REPLAYS: tuple[tuple[Callable[[Scene], None], str], ...] = (
    (nobody_is_answered, "INV-02"),
    (the_sale_is_closed, "INV-01"),
    (every_buyer_is_turned_away, "INV-02"),
)
"""Instead of a mend, while the load is played again."""


def _inject(scene: Scene, *words: str) -> None:
    done = scene.operator.shopctl("fault", "inject", *words, "--for", "25")
    assert done.returncode == 0, done.stderr


@contextmanager
def _done(scene: Scene, *words: str) -> Generator[None]:
    done = scene.operator.shopctl(*words)
    assert done.returncode == 0, done.stderr
    yield


@contextmanager
def _changed(scene: Scene, service: str, tables: Iterable[str], *statements: str) -> Generator[None]:
    """Tables as they are after these statements, and afterwards as they were."""
    keep = [f"CREATE TABLE kept_{table} AS TABLE {table}" for table in tables]
    scene.operator.rows(service, *keep, *statements)
    back = [
        statement
        for table in tables
        for statement in (
            f"DELETE FROM {table}",
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE kept_{table}",
            f"DROP TABLE kept_{table}",
        )
    ]
    try:
        yield
    finally:
        scene.operator.rows(service, *back)


@contextmanager
def _view(scene: Scene, definition: str) -> Generator[None]:
    """The audit view of orders, defined as this of what it was."""
    (view,) = scene.operator.rows(
        "orders", "SELECT definition FROM pg_views WHERE schemaname = 'audit' AND viewname = 'orders'"
    )
    whole = view["definition"].rstrip().rstrip(";")
    define = "CREATE OR REPLACE VIEW audit.orders AS "
    scene.operator.rows("orders", define + definition.format(whole))
    try:
        yield
    finally:
        scene.operator.rows("orders", define + whole)


@contextmanager
def _file(path: Path, edit: Callable[[bytes], bytes]) -> Generator[None]:
    """A file in place, as a writer that has it open sees it too."""
    whole = path.read_bytes()
    edited = edit(whole)
    assert edited != whole
    path.write_bytes(edited)
    try:
        yield
    finally:
        path.write_bytes(whole)


@contextmanager
def _appended(journal: Path, records: Iterable[PspRecord]) -> Generator[None]:
    size = journal.stat().st_size
    with journal.open("ab") as file:
        for number, record in enumerate(records, start=last_n(journal) + 1):
            file.write(msgspec.json.encode(msgspec.structs.replace(record, n=number)) + b"\n")
    try:
        yield
    finally:
        with journal.open("r+b") as file:
            file.truncate(size)


def _refund_of(capture: PspRecord) -> PspRecord:
    return PspRecord(
        at=time.time(),
        kind="refund",
        payment_id=capture.payment_id,
        merchant_reference=f"goodwill {capture.merchant_reference}",
        payment_reference=capture.merchant_reference,
        amount_minor=capture.amount_minor,
        currency=capture.currency,
    )


def _without(text: bytes, word: bytes) -> bytes:
    return b"".join(line for line in text.splitlines(keepends=True) if word not in line)
