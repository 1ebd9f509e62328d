"""The attack suite: each attack is a probe with a card, played alike against services in a test and against a fleet.

A probe makes honest preparations, attacks, and looks at state and canaries, never at a status code alone. It is
written once; `tests/security` and the incident `pen-test` are its two users. `catalogue` lists them all.
"""
