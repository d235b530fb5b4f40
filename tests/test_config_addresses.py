"""Hosts, addresses to listen on, web addresses: what is one, and its near misses."""

from __future__ import annotations

import pytest

from kiosk.config.addresses import is_host, is_loopback, is_web_address, listen_address


@pytest.mark.parametrize(
    "host", ["localhost", "printer-1.shop.example", "192.168.1.50", "::1", "fe80::1", "a", "x" * 63]
)
def test_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "a b",
        "-a",
        "a-",
        "a..b",
        "http://a",
        "a:9100",
        "192.168.1.999",
        "1.2.3",
        "x" * 64,
        "a/b",
        "a\n",
        "ä.example",
    ],
)
def test_not_hosts(host: str) -> None:
    assert not is_host(host)


def test_a_host_name_is_at_most_253_characters_long() -> None:
    longest = ".".join(["x" * 49] * 5) + "." + "x" * 3
    assert len(longest) == 253
    assert is_host(longest)
    assert not is_host(longest + "x")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "::"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_listen_address(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:80",
        "[::1]",
        "a b:80",
        "a:x",
    ],
)
def test_not_a_listen_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        listen_address(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.mercadopago.com",
        "https://shop.example:8443/notify?source_news=webhooks",
        "http://127.0.0.1:8123",
        "http://localhost",
        "http://[::1]:9/",
        "https://203.0.113.7/",
    ],
)
def test_web_addresses(url: str) -> None:
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.mercadopago.com", "https://", "https:///path", "ftp://shop.example", "file:///etc/passwd"),
        # Plain http would carry the token over the network.
        *("http://api.mercadopago.com", "http://127.0.0.1.example.com", "http://10.0.0.1"),
        # Somebody else's host behind what looks like ours.
        *(
            "https://api.mercadopago.com@evil.example",
            "https://user:secret@shop.example",
            "http://localhost\\@evil.example",
        ),
        *("https://shop.example:port", "https://shop.example:99999", "https://shop.example:0", "https://[::1"),
        *("https://shop.example/#top", "https://shop .example", "https://shop.example\n", "https://sh\top.example"),
    ],
)
def test_not_web_addresses(url: str) -> None:
    assert not is_web_address(url)
