"""Webhooks to sellers: where they may lead, and when one is given up."""

import re
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal, get_args
from urllib.parse import urlsplit

from shared.errors import Kind, Refusal

SellerEvent = Literal["order.paid", "order.cancelled"]
SELLER_EVENTS: tuple[str, ...] = get_args(SellerEvent)

ENDPOINTS_MAX = 5
"""Per seller."""
FAILURES_MAX = 20
"""Attempts in a row that an endpoint did not take, before it is disabled."""
SECRET_OVERLAP = timedelta(hours=24)
"""How long the last secret signs beside the new one."""
URL_CHARACTERS_MAX = 500
PORTS_FROM = 1024
HTTPS_PORT = 443
GONE = 410
TRANSLATED = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 networks whose addresses lead to IPv4 ones."""

# what all readers of a URL read alike: no user, no back-slash, no white space, no fragment
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class UrlRefused(Refusal):
    """A webhook may not lead there."""

    code = "webhook_url_refused"
    kind = Kind.INVALID


class TooManyEndpoints(Refusal):
    code = "too_many_endpoints"
    kind = Kind.UNPROCESSABLE


class UnknownEndpoint(Refusal):
    """Not an endpoint of the caller's."""

    code = "unknown_endpoint"
    kind = Kind.NOT_FOUND


def check_url(url: str, *, loopback: bool) -> tuple[str, int]:
    """Host and port of a URL that a webhook may lead to, as far as the URL tells. Raises `UrlRefused`.

    `loopback`: this machine, and plain HTTP to it, is allowed, for a simulated world.
    """
    match = _URL.fullmatch(url)
    if match is None or len(url) > URL_CHARACTERS_MAX:
        raise UrlRefused("not a URL that a webhook may have")
    try:
        parts = urlsplit(url)
        port = HTTPS_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise UrlRefused("not a URL that a webhook may have") from error
    host = parts.hostname or ""
    if parts.scheme != "https" and not loopback:
        raise UrlRefused("a webhook goes over https")
    if port != HTTPS_PORT and port < PORTS_FROM:
        raise UrlRefused(f"a webhook goes to port {HTTPS_PORT} or one from {PORTS_FROM} on")
    if is_address(host):
        check_addresses([host], loopback=loopback)
    return host, port


def check_addresses(addresses: Collection[str], *, loopback: bool) -> None:
    """Every address a name leads to must be public. Raises `UrlRefused`."""
    if not addresses or any(is_inside(address, loopback=loopback) for address in addresses):
        raise UrlRefused("a webhook leads to a public address")


def is_address(host: str) -> bool:
    """Whether the host is an address already."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_inside(address: str, *, loopback: bool) -> bool:
    """Whether the address is any other than a public one of one machine; unless it is the loopback that is allowed."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return not loopback
    return not ip.is_global or ip.is_multicast or ip.is_reserved or _is_translated(ip)


def _is_translated(ip: IPv4Address | IPv6Address) -> bool:
    return isinstance(ip, IPv6Address) and any(ip in network for network in TRANSLATED)
