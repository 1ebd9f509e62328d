import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sealing import SealBrokenError, seal, unseal

SECRET = "the fleet's own"


@settings(deadline=None)
@given(st.binary(max_size=3000).map(lambda content: content.rstrip(b" ")))
def test_what_was_sealed_comes_out_again(content: bytes) -> None:
    assert unseal(seal(content, secret=SECRET, purpose="drill"), secret=SECRET, purpose="drill") == content


def test_a_seal_tells_nothing_of_its_content_and_little_of_its_length() -> None:
    short, long = (
        seal(content, secret=SECRET, purpose="drill") for content in (b"{}", b'{"id":"' + b"x" * 900 + b'"}')
    )
    assert len(short) == len(long)
    assert "xxx" not in long


@pytest.mark.parametrize(("secret", "purpose"), [("another", "drill"), (SECRET, "overlay")], ids=["secret", "purpose"])
def test_another_secret_or_purpose_does_not_open_it(secret: str, purpose: str) -> None:
    with pytest.raises(SealBrokenError):
        unseal(seal(b"{}", secret=SECRET, purpose="drill"), secret=secret, purpose=purpose)


def test_a_seal_that_was_changed_does_not_open() -> None:
    sealed = seal(b"{}", secret=SECRET, purpose="drill")
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    for broken in (changed, sealed[:-8], "", "{}"):
        with pytest.raises(SealBrokenError):
            unseal(broken, secret=SECRET, purpose="drill")
