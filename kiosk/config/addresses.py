"""Hosts, addresses to listen on, and web addresses, as people write them into a configuration or on a command line."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit


def is_host(host: str) -> bool:
    """An IP address, or a host name of RFC 1123: letters, digits and hyphens between dots."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        label = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
        # Four numbers that are no address, such as 192.168.1.999, are a slip, not a name.
        named = re.fullmatch(rf"{label}(\.{label})*", host) is not None and not re.fullmatch(r"[0-9.]+", host)
        return named and len(host) <= 253
    return True


def is_loopback(host: str) -> bool:
    """The host is this machine and no other: ``localhost`` (RFC 6761), 127.0.0.0/8 or ::1."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 address stands in brackets; port 0 is any free one.

    Raises:
        ValueError: it is not one; the message says what it should be.
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):([0-9]{1,5})", text)
    if match is None or not is_host(match[1] or match[2]) or int(match[3]) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, with a port up to 65535")
    return match[1] or match[2], int(match[3])


def is_web_address(text: str) -> bool:
    """An ``https`` URL, or ``http`` to this machine alone, without user, password and fragment.

    The access token travels to such an address with every request, so nothing but TLS may carry it off the machine.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port that is no number, a bracket without its twin
        return False
    # urlsplit drops line breaks and tabs silently; what it would have dropped is refused here.
    plain = re.fullmatch(r"[!-~]+", text) is not None and not re.search(r"[@#\\]", text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return plain and safe and is_host(host) and port != 0
