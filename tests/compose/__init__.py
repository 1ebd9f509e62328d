"""The stack in real containers, where no registry of images is reachable: `nox -s compose`, apart from other tests."""
