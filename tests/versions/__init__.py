"""The shop on older and newer engines than the local profile has: `nox -s versions`, apart from other tests."""
