"""Where a webhook may lead: to public addresses over https, however the URL is written; and how it is signed."""

import pytest

from shared.webhook_signatures import InvalidSignature, sign, verify
from svc.notifications.domain.sellers import URL_CHARACTERS_MAX, UrlRefused, check_url, is_inside

pytestmark = pytest.mark.service("notifications")

INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "not an address", "",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_one_public_machine_is_inside(address):
    assert is_inside(address, loopback=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not_inside(address):
    assert not is_inside(address, loopback=False)


def test_a_simulated_world_may_allow_this_machine_and_nothing_else():
    assert [address for address in INSIDE if not is_inside(address, loopback=True)] == [
        "127.0.0.1",
        "127.8.9.1",
        "::1",
        "::ffff:127.0.0.1",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd", "gopher://hooks.example.com/",
        "https://user@hooks.example.com/", "https://hooks.example.com@127.0.0.1/", "https://hooks.example.com\\@evil/",
        "https://hooks.example.com:22/", "https://hooks.example.com:99999/", "https://hooks.example.com:0/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest",
        "https://[fe80::1%25eth0]/", "https:///path", "https://", "//hooks.example.com/", "hooks.example.com",
        "https://hooks.example.com/#fragment", "https://hooks.example.com/ x", "https://hooks.example.com/\r\nHost: x",
        "https://hooks.exämple.com/", " https://hooks.example.com/", "https://[hooks]/", "https://[::1/",
        "https://hooks.example.com/" + "x" * URL_CHARACTERS_MAX, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_url_that_leads_elsewhere_than_to_a_public_program_is_refused(url):
    with pytest.raises(UrlRefused):
        check_url(url, loopback=False)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.example.com", ("hooks.example.com", 443)),
        ("https://Hooks.Example.com:8443/shop?x=1&y=%20", ("hooks.example.com", 8443)),
        ("https://8.8.8.8/", ("8.8.8.8", 443)),
        ("https://[2606:4700:4700::1111]:2000/", ("2606:4700:4700::1111", 2000)),
    ],
)
def test_any_other_is_taken(url, place):
    assert check_url(url, loopback=False) == place


def test_while_a_secret_is_rotated_both_sign_the_same_bytes():
    header = sign("the-new", b"{}", at=1_000, beside=["the-old"])
    for secret in ("the-new", "the-old"):
        verify(header, b"{}", secrets=[secret], now_s=1_000)
    for secret, body in (("another", b"{}"), ("the-new", b"{} ")):
        with pytest.raises(InvalidSignature):
            verify(header, body, secrets=[secret], now_s=1_000)
