"""An order's story from collected evidence: everybody's word on it, in order of time, and nobody else's order."""

from scenarios.chapters import of_order
from tests.support.anomalies import charged_twice
from tests.support.builders import FlashSale


def test_the_story_has_the_word_of_clients_services_and_witnesses_in_order_of_time() -> None:
    evidence = FlashSale().evidence()
    order_id = next(row.order_id for row in evidence.audit.shipments)
    chapters = of_order(evidence, order_id)
    places = {chapter.where.partition(" ")[0] for chapter in chapters}
    assert {"client", "orders", "inventory", "payments", "shipping", "notifications", "psp", "smtp", "kafka"} <= places
    assert [chapter.at for chapter in chapters] == sorted(chapter.at for chapter in chapters)


def test_two_orders_have_stories_of_their_own() -> None:
    evidence = FlashSale().evidence()
    first, second = (of_order(evidence, order.id) for order in evidence.audit.orders[:2])
    assert first
    assert second
    assert not set(first) & set(second)


def test_what_went_wrong_is_in_it() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    captures = [
        sum(chapter.where == "psp" and chapter.kind == "capture" for chapter in of_order(evidence, order.id))
        for order in evidence.audit.orders
    ]
    assert captures.count(2) == 1
