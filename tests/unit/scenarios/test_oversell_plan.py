"""What `repair oversell` would undo, and what it must leave alone."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.operator_error import OperatorError
from scenarios.evidence import rows as audit
from scenarios.fleet import FleetRefusedError
from scenarios.repair import oversell
from scenarios.repair.oversell import Plan, SkuPlan, plan
from tests.support.builders.stock_rows import NOW, StockRows


def of(planned: Plan, sku: str) -> SkuPlan:
    return next(made for made in planned.skus if made.sku == sku)


def shop(supply: int) -> StockRows:
    rows = StockRows()
    rows.received("JACKET", supply)
    return rows


def spoil(rows: StockRows, sku: str, **figures: int) -> None:
    rows.tables.stock[:] = [
        msgspec.structs.replace(row, **figures) if row.sku == sku else row for row in rows.tables.stock
    ]


def repaired(rows: StockRows, planned: Plan) -> None:
    """The rows as they are after each service did what the plan asks of it."""
    for made in planned.skus:
        for order_id in (*made.release, *made.cancel):
            rows.released(made.sku, order_id)
        rows.recounted(made.sku)
        for order_id in made.cancel:
            rows.status_becomes(order_id, "cancelled")
    rows.tables.dead_letters[:] = [
        msgspec.structs.replace(letter, redriven_at=NOW) for letter in rows.tables.dead_letters
    ]


def test_an_empty_shop_needs_nothing() -> None:
    assert plan(StockRows().tables).empty


def test_a_sale_within_its_supply_needs_nothing() -> None:
    rows = shop(3)
    for number in range(3):
        rows.ordered(f"o{number}", at=number, JACKET=1)
    assert plan(rows.tables) == Plan(skus=(), dead_letters=0)


def test_the_latest_orders_beyond_the_supply_are_cancelled_latest_first() -> None:
    rows = shop(2)
    for order_id, at in (("third", 3), ("first", 1), ("fourth", 4), ("second", 2)):
        rows.ordered(order_id, at=at, held=False, JACKET=1)
    made = of(plan(rows.tables), "JACKET")
    assert (made.supply, made.standing, made.cancel) == (2, 4, ("fourth", "third"))


def sent(rows: StockRows, order_id: str, *, status: str = "delivered") -> None:
    """The order's parcel left the house."""
    rows.tables.shipments.append(
        audit.ShipmentRow(id=f"s-{order_id}", order_id=order_id, status=status, created_at=NOW, updated_at=NOW)
    )


def back_on_the_shelf(rows: StockRows, order_id: str) -> None:
    rows.tables.movements.append(
        audit.MovementRow(
            id=f"m-{order_id}",
            warehouse="main",
            sku="JACKET",
            type="restock",
            on_hand_delta=1,
            reserved_delta=0,
            reservation_id=order_id,
            created_at=NOW,
        )
    )


def test_goods_that_left_for_a_cancelled_order_are_for_people_to_settle() -> None:
    rows = shop(3)
    rows.ordered("o1", at=1, JACKET=1)
    sent(rows, "o1")
    assert plan(rows.tables).empty
    rows.released("JACKET", "o1")
    rows.status_becomes("o1", "cancelled")
    planned = plan(rows.tables)
    assert planned == Plan(skus=(), dead_letters=0, settle=("o1",))
    assert not planned.empty


def test_goods_that_left_and_count_as_being_on_the_shelf_are_for_people_to_settle() -> None:
    rows = shop(3)
    rows.ordered("o1", at=1, JACKET=1)
    sent(rows, "o1")
    back_on_the_shelf(rows, "o1")
    assert plan(rows.tables).settle == ("o1",)


@pytest.mark.parametrize("status", ["created", "labelled", "cancelled", "returned"])
def test_goods_that_are_in_the_house_are_settled(status: str) -> None:
    rows = shop(3)
    rows.ordered("o1", at=1, JACKET=1)
    sent(rows, "o1", status=status)
    rows.released("JACKET", "o1")
    rows.status_becomes("o1", "cancelled")
    assert plan(rows.tables).settle == ()


def test_what_an_operator_took_back_after_hand_over_is_known() -> None:
    rows = shop(3)
    rows.ordered("o1", at=1, JACKET=1)
    sent(rows, "o1")
    rows.released("JACKET", "o1")
    rows.status_becomes("o1", "cancelled")
    rows.tables.order_transitions.append(
        audit.OrderTransitionRow("o1", "delivered", "cancelled", NOW, actor="operator:ann", reason="oversold")
    )
    assert plan(rows.tables).empty


def test_orders_of_the_same_moment_are_told_apart_by_their_ids() -> None:
    rows = shop(1)
    for order_id in ("b", "c", "a"):
        rows.ordered(order_id, held=False, JACKET=1)
    assert of(plan(rows.tables), "JACKET").cancel == ("c", "b")


def test_a_smaller_later_order_may_still_fit() -> None:
    rows = shop(3)
    rows.ordered("two", at=1, held=False, JACKET=2)
    rows.ordered("two more", at=2, held=False, JACKET=2)
    rows.ordered("the last one", at=3, held=False, JACKET=1)
    assert of(plan(rows.tables), "JACKET").cancel == ("two more",)


def test_two_lines_of_one_sku_are_one_wish() -> None:
    rows = shop(3)
    rows.ordered("first", at=1, held=False, JACKET=2)
    rows.ordered("second", at=2, held=False, JACKET=1)
    rows.tables.order_lines.append(msgspec.structs.replace(rows.tables.order_lines[-1]))
    made = of(plan(rows.tables), "JACKET")
    assert (made.standing, made.cancel) == (4, ("second",))


@pytest.mark.parametrize("status", ["cancelled", "payment_failed", "refunded"])
def test_orders_that_no_longer_stand_take_no_units(status: str) -> None:
    rows = shop(1)
    rows.ordered("gone", at=1, status=status, held=False, JACKET=1)
    rows.ordered("stands", at=2, JACKET=1)
    assert plan(rows.tables).empty


@pytest.mark.parametrize("status", ["pending", "reserved", "paid", "shipped", "delivered", "partially_refunded"])
def test_every_other_order_takes_its_units(status: str) -> None:
    rows = shop(1)
    rows.ordered("stands", at=1, status=status, JACKET=1)
    rows.ordered("too many", at=2, held=False, JACKET=1)
    assert of(plan(rows.tables), "JACKET").cancel == ("too many",)


def test_supply_is_what_was_received_and_adjusted_whatever_the_figures_say() -> None:
    rows = shop(3)
    rows.received("JACKET", -2, kind="adjust")
    rows.ordered("first", at=1, JACKET=1)
    rows.ordered("second", at=2, JACKET=1)
    spoil(rows, "JACKET", on_hand=500)
    made = of(plan(rows.tables), "JACKET")
    assert (made.supply, made.cancel, made.figures_wrong) == (1, ("second",), True)


def test_a_sku_that_never_came_in_serves_nobody() -> None:
    rows = StockRows()
    rows.ordered("first", held=False, GHOST=1)
    assert of(plan(rows.tables), "GHOST").cancel == ("first",)


def test_each_sku_is_counted_by_itself_and_they_come_in_order() -> None:
    rows = StockRows()
    for sku in ("B", "A", "C"):
        rows.received(sku, 1)
        rows.ordered(f"{sku}1", at=1, held=False, **{sku: 1})
    rows.ordered("both", at=2, held=False, A=1, B=1)
    planned = plan(rows.tables)
    assert [(made.sku, made.cancel) for made in planned.skus] == [("A", ("both",)), ("B", ("both",))]


def test_a_hold_without_order_and_saga_is_released() -> None:
    rows = shop(5)
    rows.held("leaked", "JACKET", 1)
    rows.saga("given up", "compensated")
    rows.held("given up", "JACKET", 1)
    made = of(plan(rows.tables), "JACKET")
    assert (made.release, made.cancel, made.figures_wrong) == (("given up", "leaked"), (), False)


def test_the_hold_of_a_running_saga_is_left_alone() -> None:
    rows = shop(5)
    rows.saga("under way", "running")
    rows.held("under way", "JACKET", 1)
    assert plan(rows.tables).empty


def test_the_hold_of_a_cancelled_order_is_released_even_while_its_saga_still_tries() -> None:
    rows = shop(5)
    rows.ordered("stuck", at=1, status="cancelled", JACKET=1)
    rows.saga("stuck", "running")
    assert of(plan(rows.tables), "JACKET").release == ("stuck",)


def test_a_paid_order_whose_hold_was_taken_from_it_is_cancelled_though_the_supply_would_do() -> None:
    rows = shop(5)
    rows.ordered("robbed", at=1, JACKET=1)
    rows.released("JACKET", "robbed")
    rows.ordered("served", at=2, JACKET=1)
    assert of(plan(rows.tables), "JACKET").cancel == ("robbed",)


def test_an_order_cancelled_for_one_sku_frees_its_units_of_another() -> None:
    rows = StockRows()
    for sku in ("A", "B"):
        rows.received(sku, 1)
    rows.ordered("first", at=1, held=False, A=1)
    rows.ordered("both", at=2, held=False, A=1, B=1)
    rows.ordered("third", at=3, held=False, B=1)
    assert [made.cancel for made in plan(rows.tables).skus] == [("both",), ("both",)]


def test_a_customer_keeps_the_earliest_orders_within_the_limit() -> None:
    rows = shop(5)
    rows.tables.purchase_limits.append(audit.PurchaseLimitRow("JACKET", 2))
    for number in range(3):
        rows.ordered(f"o{number}", at=number, JACKET=1)
    rows.tables.orders[:] = [msgspec.structs.replace(order, customer_id="one") for order in rows.tables.orders]
    assert of(plan(rows.tables), "JACKET").cancel == ("o2",)


def test_a_hold_that_ended_is_no_leak() -> None:
    rows = shop(5)
    rows.held("swept", "JACKET", 1)
    rows.released("JACKET", "swept")
    assert plan(rows.tables).empty


@pytest.mark.parametrize("figures", [{"on_hand": 4}, {"reserved": 0}, {"on_hand": -1}])
def test_columns_that_contradict_the_movements_are_wrong(figures: dict[str, int]) -> None:
    rows = shop(5)
    rows.ordered("first", JACKET=1)
    spoil(rows, "JACKET", **figures)
    made = of(plan(rows.tables), "JACKET")
    assert (made.figures_wrong, made.cancel, made.release) == (True, (), ())


def test_reserved_units_that_nobody_holds_are_wrong_even_if_the_movements_agree() -> None:
    rows = shop(5)
    rows.ordered("first", JACKET=1)
    rows.tables.reservations.clear()
    assert of(plan(rows.tables), "JACKET").figures_wrong


def test_only_letters_of_inventory_that_were_not_redriven_are_counted() -> None:
    rows = shop(1)
    rows.dead_letter("inventory")
    rows.dead_letter("inventory")
    rows.dead_letter("inventory", redriven_at=NOW)
    rows.dead_letter("payments")
    planned = plan(rows.tables)
    assert (planned.skus, planned.dead_letters, planned.empty) == ((), 2, False)


sales = st.lists(
    st.tuples(st.integers(0, 4), st.dictionaries(st.sampled_from("AB"), st.integers(1, 4), min_size=1)), max_size=12
)


def sold(orders: list[tuple[int, dict[str, int]]], supply: dict[str, int]) -> StockRows:
    rows = StockRows()
    for sku, quantity in supply.items():
        rows.received(sku, quantity)
    for number, (at, units) in enumerate(orders):
        rows.ordered(f"o{number:02}", at=at, held=False, **units)
    return rows


supplies = st.fixed_dictionaries({"A": st.integers(0, 12), "B": st.integers(0, 12)})


@given(sales, supplies)
def test_what_stands_after_the_cancellations_never_exceeds_the_supply(
    orders: list[tuple[int, dict[str, int]]], supply: dict[str, int]
) -> None:
    cancelled = {order_id for made in plan(sold(orders, supply).tables).skus for order_id in made.cancel}
    for sku, quantity in supply.items():
        kept = [units.get(sku, 0) for number, (_, units) in enumerate(orders) if f"o{number:02}" not in cancelled]
        assert sum(kept) <= quantity


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=12), st.integers(0, 12))
def test_no_order_gives_way_to_a_later_one_of_its_size_and_none_without_need(
    orders: list[tuple[int, int]], supply: int
) -> None:
    rows = sold([(at, {"A": units}) for at, units in orders], {"A": supply})
    cancelled = [order_id for made in plan(rows.tables).skus for order_id in made.cancel]
    by_time = sorted((at, f"o{number:02}", units) for number, (at, units) in enumerate(orders))
    assert cancelled == [order_id for _, order_id, _ in reversed(by_time) if order_id in cancelled]
    served = 0
    smallest_refused = 5
    for _, order_id, units in by_time:
        if order_id in cancelled:
            assert served + units > supply, "there was room for it"
            smallest_refused = min(smallest_refused, units)
        else:
            assert units < smallest_refused, "an earlier one of this size was cancelled"
            served += units


@given(sales, supplies, st.booleans())
def test_the_plan_of_a_repaired_shop_is_empty(
    orders: list[tuple[int, dict[str, int]]], supply: dict[str, int], damaged: bool
) -> None:
    rows = sold(orders, supply)
    if damaged:
        rows.held("leaked", "A", 1)
        rows.dead_letter("inventory")
        spoil(rows, "B", on_hand=99)
    repaired(rows, plan(rows.tables))
    assert plan(rows.tables).empty


class RefusingFleet:
    """Takes every call but the recall of one order."""

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.recalled: list[str] = []

    async def call(self, service, method, path, **_options):
        if path.endswith(f"/{self.refused}/recall"):
            content = b'{"code": "order_not_cancellable"}'
            raise FleetRefusedError(service, f"{method} {path}", status=409, content=content)
        self.recalled += [path] if path.endswith("/recall") else []
        return {"applied": 0}


async def test_one_order_that_refuses_to_be_taken_back_stops_none_of_the_others_and_is_named():
    sku = SkuPlan(sku="A", supply=0, standing=3, cancel=("1", "2", "3"), release=(), figures_wrong=False)
    fleet = RefusingFleet("2")
    _, refused = await oversell._carry_out(fleet, Plan(skus=(sku,), dead_letters=0))
    assert [path.split("/")[-2] for path in fleet.recalled] == ["1", "3"]
    assert list(refused) == ["2"]
    assert "409" in refused["2"]


def test_an_order_that_the_operator_names_is_taken_back_once() -> None:
    rows = shop(3)
    rows.ordered("o1", at=1, JACKET=2)
    number = rows.tables.orders[0].number
    assert plan(rows.tables, ["o1"]) == plan(rows.tables, [number]) == Plan(skus=(), dead_letters=0, recall=("o1",))
    rows.status_becomes("o1", "cancelled")
    assert plan(rows.tables, ["o1"]).recall == ()


def test_an_order_that_nobody_knows_is_not_taken_back() -> None:
    with pytest.raises(OperatorError, match="SO-1") as refused:
        plan(shop(3).tables, ["SO-1"])
    assert (refused.value.code, refused.value.exit_code) == ("order.unknown", 2)
