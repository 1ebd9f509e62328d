"""What the catalogue says of each defect of the flash sale."""

from scenarios.plan import DefectCard

CARDS: tuple[DefectCard, ...] = (
    DefectCard(
        id="read-then-write",
        title="Read, then write: two processes sell the same units",
        service="inventory",
        seam="inventory.reserve",
        root_cause=(
            "Availability is read without a lock and the new figure is written a few milliseconds later. Two readers "
            "see the same units; the later write overwrites the earlier one."
        ),
        caught_by=("INV-02",),
        exposed_by="Two inventory processes and buyers of one SKU within the same milliseconds.",
        symptoms="More orders than units; log pairs of '100 available' 4 ms apart, both followed by 'stock 99'.",
        fix="Lock the stock row (SELECT … FOR UPDATE) or make the decrement one conditional statement.",
        origin="The classic lost update; the flash-sale incidents of most shops.",
    ),
    DefectCard(
        id="counter-as-truth",
        title="A counter in memory is the truth",
        service="inventory",
        seam="inventory.reserve",
        root_cause=(
            "Each process seeds a counter from the database when it first sees a SKU and sells from the counter; the "
            "table is written behind."
        ),
        caught_by=("INV-02",),
        exposed_by="More than one process, or one restarted in the middle of the sale.",
        symptoms="Sold is a multiple of the supply, by the number of processes; each process's own log adds up.",
        fix="Let the constrained row decide; use counters as hints only.",
        origin="Cache-as-truth counters re-seeded from a stale snapshot.",
    ),
    DefectCard(
        id="limit-counted-before",
        title="The purchase limit is counted, then forgotten",
        service="inventory",
        seam="inventory.reserve",
        root_cause="What a customer already has is counted before the lock and not again under it.",
        caught_by=("INV-04",),
        exposed_by="Customers who place two orders at the same moment.",
        symptoms="Scalpers hold several units each; every single request passed the check.",
        fix="Count inside the lock that serialises the SKU, or hold the limit as a constraint.",
        origin="Check-then-act on a count.",
    ),
    DefectCard(
        id="hasty-sweeper",
        title="The sweeper releases what is being paid",
        service="inventory",
        seam="inventory.sweeper",
        root_cause="Holds are expired by age alone, without a look at whether their order exists.",
        caught_by=("INV-02", "INV-12"),
        exposed_by="Payments that take longer than the sweeper's patience.",
        symptoms="Customers with a confirmed order are told minutes later that it cannot be served.",
        fix="Pin the hold when the order exists; end it only by commit or release.",
        origin="TTL shorter than the payment.",
    ),
    DefectCard(
        id="double-release",
        title="A release is applied twice",
        service="inventory",
        seam="inventory.subscription",
        root_cause="The stock figure is lowered without asking whether the hold was still live; stock grows.",
        caught_by=("INV-01",),
        exposed_by="Cancelled orders: declined cards during the sale.",
        symptoms="Reserved is lower than the sum of live holds; later buyers get units that are not there.",
        fix="Compare-and-set on the hold's status, and move stock only when it changed.",
        origin="Redelivered cancellation without an inbox or a status check.",
    ),
    DefectCard(
        id="movement-behind",
        title="Movements are written behind the stock",
        service="inventory",
        seam="inventory.reserve",
        root_cause=(
            "The movement of a hold is queued and written by the next batch, outside the transaction that changed the "
            "stock; the last ones and those of a killed process never come."
        ),
        caught_by=("INV-01",),
        exposed_by="Any end of traffic, and a kill -9.",
        symptoms="'The stock movement was recorded while the parent update was incomplete': sums do not match.",
        fix="Write both in one transaction.",
        origin="Audit tables filled by a background queue.",
    ),
    DefectCard(
        id="retry-without-id",
        title="A retry holds twice",
        service="orders",
        seam="orders.reserve_stock",
        root_cause="After a time-out the reservation is asked for again under a new id; the first one took effect.",
        caught_by=("INV-03",),
        exposed_by="Slow answers of inventory: contention, or a process killed or paused.",
        symptoms="Undersold: units are held for orders that do not exist until their time runs out.",
        fix="Derive the reservation's id from the order and repeat with the same one.",
        origin="Timeout taken for failure.",
    ),
)
