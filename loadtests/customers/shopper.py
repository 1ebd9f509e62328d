"""What people do in the shop: look around, search, fill a cart, buy."""

from typing import Final
from urllib.parse import quote

from loadtests.customers.customer import Customer

PAGE: Final = 20
CATEGORIES_SHARE: Final = 0.1
FILTER_SHARE: Final = 0.2
SUGGEST_LETTERS: Final = 3
PATIENCE_S: Final = 10.0


class Shopper(Customer):
    """Its suites say how often it does what."""

    abstract = True

    def browses(self) -> None:
        """A page of products, one of them, sometimes the categories."""
        shown = self.look(f"/products?category={self.stage.category}&limit={PAGE}")
        if shown and shown["items"]:
            self.look(f"/products/{self.chance.choice(shown['items'])['slug']}", name="/products/{slug}")
        if self.chance.random() < CATEGORIES_SHARE:
            self.look("/categories")

    def searches(self) -> None:
        """A few letters, then the words; sometimes no dearer than."""
        words = self.chance.choice(self.stage.words)
        self.look(f"/search/suggest?q={quote(words[:SUGGEST_LETTERS])}")
        dearest = "&max_price=30.00" if self.chance.random() < FILTER_SHARE else ""
        self.look(f"/search?q={quote(words)}{dearest}")

    def fills_cart(self) -> None:
        """Something in, a look, everything out again."""
        (line, *_) = self.some_lines()
        self.change_cart("POST", "/items", {"sku": line.sku, "quantity": line.quantity})
        self.look("/cart", token=True)
        self.change_cart("DELETE")

    def buys(self) -> None:
        """From the cart to the paid order."""
        lines = self.some_lines()
        for line in lines:
            self.change_cart("POST", "/items", {"sku": line.sku, "quantity": line.quantity})
        self.look("/cart", token=True)
        order = self.buy(lines)
        self.change_cart("DELETE")
        if order is not None:
            self.watch(order, patience_s=PATIENCE_S)

    def anything(self) -> None:
        """As on an ordinary day: 70 of 100 browse, 15 search, 10 fill a cart, 5 buy."""
        acts = (self.browses, self.searches, self.fills_cart, self.buys)
        (act,) = self.chance.choices(acts, weights=(70, 15, 10, 5))
        act()
