"""The tables of carts, coupons, orders and sagas. Every statement runs inside the caller's transaction."""
