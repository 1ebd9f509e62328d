"""A link unsubscribes whom it was made for from what it was made for, and nobody makes one but the shop."""

from uuid import UUID

import pytest

from svc.notifications.domain import Topic, UnknownLink, UnsubscribeLinks

pytestmark = pytest.mark.service("notifications")

ANN, BOB = UUID(int=7), UUID(int=8)
LINKS = UnsubscribeLinks("a-secret-of-a-test-0123456789abcdef")


def test_a_link_names_its_reader_and_topic():
    wish = LINKS.read(LINKS.token(ANN, Topic.SHIPPING))
    assert (wish.customer_id, wish.topics) == (ANN, {Topic.SHIPPING})


def test_the_link_of_a_digest_names_all_that_can_be_refused():
    assert LINKS.read(LINKS.token(ANN, Topic.DIGEST)).topics == {Topic.ORDERS, Topic.SHIPPING}


GOOD = LINKS.token(ANN, Topic.ORDERS)
MAC = GOOD.split(".")[2]


@pytest.mark.parametrize(
    "forged",
    [
        "", ".", "..", "...", GOOD[:-1], GOOD + "0", GOOD.upper(), f"{BOB.hex}.orders.{MAC}",
        f"{ANN.hex}.account.{MAC}",
        f"{ANN.hex}.digest.{MAC}", f"{ANN.hex}.orders.", f"{ANN.hex}.orders.{'0' * 64}", GOOD + ".x", "ü.ü.ü",
        UnsubscribeLinks("another-secret-of-a-test-0123456789").token(ANN, Topic.ORDERS),
    ],
)  # fmt: skip
def test_a_link_that_the_shop_did_not_make_is_none(forged):
    with pytest.raises(UnknownLink):
        LINKS.read(forged)
