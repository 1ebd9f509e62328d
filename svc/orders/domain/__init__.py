"""The rules of carts, orders and their sagas. Pure: no I/O, no clock of its own."""
