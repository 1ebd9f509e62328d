import msgspec
import pytest

from svc.analytics.domain.datasets import CURRENCY, DATASETS
from svc.analytics.domain.definitions import Definition, InvalidReport, understood
from svc.analytics.domain.expressions.meaning import Kind
from svc.analytics.domain.expressions.refusal import InvalidExpression

pytestmark = pytest.mark.service("analytics")


def definition(**more):
    given = {
        "dataset": "revenue",
        "group_by": ["currency"],
        "columns": [{"name": "net", "expression": "paid - refunded"}],
    }
    return msgspec.convert(given | more, Definition)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"group_by": ["currency", "paid"]}, "group_by"),
        ({"group_by": ["currency", "net"]}, "group_by"),
        ({"group_by": []}, "group_by"),
        ({"group_by": ["currency", "currency"]}, "columns"),
        ({"columns": [{"name": "currency", "expression": "1"}]}, "columns"),
        ({"columns": [{"name": "n", "expression": "payments"}], "group_by": [], "having": "paid > paid"}, "group_by"),
        ({"order_by": "paid"}, "order_by"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_by_the_name_of_one(more, field):
    with pytest.raises(InvalidReport) as refused:
        understood(definition(**more))
    assert refused.value.extra["field"] == field


@pytest.mark.parametrize(
    ("more", "field", "position"),
    [
        ({"columns": [{"name": "a", "expression": "1"}, {"name": "b", "expression": ""}]}, "columns[1].expression", 0),
        ({"columns": [{"name": "a", "expression": "day"}]}, "columns[0].expression", 0),
        ({"columns": [{"name": "a", "expression": "paid > 1"}]}, "columns[0].expression", 0),
        ({"where": "paid > 1"}, "where", 0),
        ({"where": "currency"}, "where", 0),
        ({"having": "currency = 'EUR'"}, "having", 0),
    ],
)  # fmt: skip
def test_an_expression_is_refused_with_its_field_and_position(more, field, position):
    with pytest.raises(InvalidExpression) as refused:
        understood(definition(**more))
    assert refused.value.extra == {"position": position, "field": field}


def test_a_report_knows_the_kinds_of_its_columns():
    query = understood(definition(order_by="net", where="day > '2026-01-01'"))
    assert (query.names, query.kinds, query.order_by) == (["currency", "net"], [Kind.TEXT, Kind.MONEY], 2)


def test_every_data_set_with_money_has_its_currency_and_every_measure_is_a_figure():
    for dataset in DATASETS.values():
        kinds = {field.kind for field in dataset.measures.values()}
        assert kinds <= {Kind.MONEY, Kind.INTEGER}
        assert Kind.MONEY not in kinds or CURRENCY in dataset.dimensions
        assert not dataset.dimensions.keys() & dataset.measures.keys()
