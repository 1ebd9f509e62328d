"""How a violated invariant shows to people who do not know of invariants: an alert, and who writes about it. Data."""

from typing import Final

import msgspec


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """`{order}` in a text becomes an affected order's number, `{count}` how often it happened."""

    alert: str
    sender: str = ""
    """Who writes; empty is the customer of the order."""
    subject: str
    body: str


SYMPTOMS: Final[dict[str, Symptom]] = {
    "INV-01": Symptom(
        alert="stock count differs from the books",
        sender="warehouse@shop.example",
        subject="We counted again",
        body="What lies on the shelf is not what the screen says, and the list of movements adds up to a third figure.",
    ),
    "INV-02": Symptom(
        alert="more units confirmed than there are: {count} times beyond the supply",
        subject="Where is my order {order}?",
        body="You confirmed {order} to me. Now your support says that there was never one for me. Which is it?",
    ),
    "INV-03": Symptom(
        alert="units left or on hold, customers turned away: {count}",
        sender="sales@shop.example",
        subject="Sold out, and the shelf is not empty",
        body="People were told that nothing is left. I still see units that nobody can buy. What keeps them?",
    ),
    "INV-04": Symptom(
        alert="customers above the purchase limit: {count}",
        subject="One each, you said",
        body="I got nothing, and somebody offers several of them already. Your page says there is a limit.",
    ),
    "INV-05": Symptom(
        alert="captures at the payment provider do not match the orders: {count}",
        subject="My bank statement and {order}",
        body="Please look at {order}: what my bank shows is not what I agreed to pay. I have a screenshot.",
    ),
    "INV-06": Symptom(
        alert="reconciliation: difference in {count} places",
        sender="finance@shop.example",
        subject="The books do not close",
        body="The provider's statement and our own figures differ, {order} for example. I cannot close the day.",
    ),
    "INV-07": Symptom(
        alert="ledger out of balance: {count}",
        sender="finance@shop.example",
        subject="Trial balance",
        body="The ledger does not sum to zero. Nobody here has touched it.",
    ),
    "INV-08": Symptom(
        alert="totals that differ from the price list: {count}",
        subject="The sum on my receipt for {order}",
        body="I added up {order} three times. It is not much, but it is not what your prices say.",
    ),
    "INV-09": Symptom(
        alert="orders that clients speak of and the shop has not, or has otherwise: {count}",
        subject="My order is gone",
        body="I have your confirmation of {order}. In my account it is something else, or not there.",
    ),
    "INV-10": Symptom(
        alert="requests repeated by clients with another outcome: {count}",
        subject="I pressed once",
        body="I pressed the button once, perhaps twice because nothing happened. {order} is not what I asked for.",
    ),
    "INV-11": Symptom(
        alert="orders that neither end nor are undone: {count}",
        subject="Cancelled, or not?",
        body="What is the state of {order}? Your mail says one thing, your page and my bank say another.",
    ),
    "INV-12": Symptom(
        alert="orders in a state that they could not come to: {count}",
        sender="support@shop.example",
        subject="An order that cannot be",
        body="I have {order} on the screen and cannot explain to the customer how it came to where it is.",
    ),
    "INV-13": Symptom(
        alert="events missing on the broker: {count}",
        sender="platform@shop.example",
        subject="Downstream has gaps",
        body="Some changes of orders never reach anybody else.",
    ),
    "INV-14": Symptom(
        alert="events applied more often than once, or never: {count}",
        sender="platform@shop.example",
        subject="Consumers disagree",
        body="What consumers have done is not what was sent to them.",
    ),
    "INV-15": Symptom(
        alert="changes applied out of order: {count}",
        subject="{order} goes backwards",
        body="First {order} was on its way, now your page says that it has not even been paid.",
    ),
    "INV-16": Symptom(
        alert="figures of the dashboard differ from the shop: {count}",
        sender="sales@shop.example",
        subject="Which revenue is right?",
        body="The dashboard and the orders differ. I have a call in an hour.",
    ),
    "INV-17": Symptom(
        alert="mails that should not be, or are missing: {count}",
        subject="Your mails about {order}",
        body="What you write me about {order} makes no sense together with what you wrote before.",
    ),
    "INV-18": Symptom(
        alert="dead letters: {count}",
        sender="platform@shop.example",
        subject="The pile of letters",
        body="Messages lie in the pile that nobody handles, and some behind them wait that are perfectly well.",
    ),
    "INV-24": Symptom(
        alert="readings of the stock that contradict each other: {count}",
        sender="warehouse@shop.example",
        subject="It was there a moment ago",
        body="Two of us looked at the same second and saw different figures. Both were right, the screen says.",
    ),
    "INV-25": Symptom(
        alert="errors in the logs: {count}",
        sender="oncall@shop.example",
        subject="It is loud in here",
        body="Some requests take a second and fail, others pass. The next attempt is fine.",
    ),
    "INV-19": Symptom(
        alert="work per visitor above its bound: {count}",
        sender="platform@shop.example",
        subject="Where does it all come from?",
        body="The machines do several times what so many visitors should cost. Nobody has deployed anything, they say.",
    ),
    "INV-20": Symptom(
        alert="the shop has not come back: {count}",
        sender="sales@shop.example",
        subject="It is over, and still",
        body="The campaign is off, the visitors are those of any day, and most see errors. What holds it down?",
    ),
    "INV-21": Symptom(
        alert="database: queries per answer grow: {count}",
        sender="platform@shop.example",
        subject="Long lists",
        body="A page of one is quick, a page of many is slow, and the database is busy with the same small question.",
    ),
    "INV-22": Symptom(
        alert="answers that hold what belongs to somebody else: {count}",
        sender="privacy@shop.example",
        subject="Whose basket is this?",
        body="I opened my cart and it was full. I live alone and I do not own a cat.",
    ),
    "INV-27": Symptom(
        alert="orders that cannot be followed through the logs: {count}",
        sender="oncall@shop.example",
        subject="The thread is lost",
        body="I have a customer's reference and find nothing behind it. Somewhere it begins with another one.",
    ),
    "INV-26": Symptom(
        alert="more is down than what is away: {count}",
        sender="oncall@shop.example",
        subject="One thing was away",
        body="People could not do what has nothing to do with it. All lights were green.",
    ),
    "LOAD-01": Symptom(
        alert="figures of the load outside their thresholds: {count}",
        sender="sales@shop.example",
        subject="Slow",
        body="The pages come later than we promise, and it is not my telephone.",
    ),
}
NOISE: Final = Symptom(
    alert="checkout: customers complain",
    subject="Sold out after a minute?",
    body="I was there in time and got nothing. Something must be wrong with your shop.",
)
"""What there always is, whether something is wrong or not."""
HERRINGS: Final = (
    Symptom(
        alert="database: connections at 80 % of the pool",
        sender="platform@shop.example",
        subject="The pool again?",
        body="We wanted a bigger connection pool since spring. I would begin there.",
    ),
    Symptom(
        alert="payment provider: answers slower than last week",
        sender="partner@psp.example",
        subject="Maintenance",
        body="We moved a data centre last night. You may have seen slower answers.",
    ),
    Symptom(
        alert="search: index 40 s behind",
        sender="sales@shop.example",
        subject="The search shows old prices",
        body="Since yesterday's deployment the search is behind. Surely it is all the same thing.",
    ),
)
"""True or not, none of it is the cause."""
