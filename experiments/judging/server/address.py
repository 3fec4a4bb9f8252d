"""A server's address, checked before anything is sent or written: a key in it would end up in records and logs."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from interp.errors import TriggerLensError


def check_address(url: str) -> str:
    """The address as given, or an error, which quotes no more than the host."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise TriggerLensError(
            f"server address: {error}; give http://HOST/v1 or https://"
        ) from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise TriggerLensError(f"server {host}: no user, password or key in the address")
    if parts.scheme not in ("http", "https") or not host:
        raise TriggerLensError(f"server {host or url!r}: give http://HOST/v1 or https://")
    return url


def is_local(url: str) -> bool:
    """Whether the host is this machine: localhost by name, or a loopback address."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a host name
        return host == "localhost" or host.endswith(".localhost")
