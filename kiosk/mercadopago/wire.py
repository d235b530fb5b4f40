"""One request to Mercado Pago and its whole answer, by httpx on our own line; with the account's token, or without.

Nothing is repeated here: whoever asks knows when a second attempt is allowed. ``Wire`` is used by one thread.

Reused connections: one that the server closed while it was idle is noticed before a request is written to it, and
replaced (httpcore looks whether the socket can be read). What is left is the moment in which both happen at once; such
a request is ``Unknown``, as it must be. The guard asks the POS right before an order is placed, so that a PUT travels
on a connection that was alive a moment ago.

Logs: httpx writes the address of each request at INFO, which has no secret in it, but comes every two seconds; httpcore
writes the headers of each answer at DEBUG, where a server may have echoed the token (law L10). Both are silenced below
WARNING. What is worth telling of a request stands in its answer.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import httpcore
import httpx

from kiosk.config import Secret
from kiosk.mercadopago.answers import Reply, carried, reply_from
from kiosk.mercadopago.json import NonsenseError, printable
from kiosk.mercadopago.line import FAILURES, Line, trouble_of, words_of
from kiosk.ports import Clock
from kiosk.sale.commands import Call
from kiosk.sale.events import Trouble, Unknown

USER_AGENT: Final = "kiosk (counter-payment kiosk)"
KEEP_S: Final = 90.0
"""How long an idle connection is kept: longer than the slowest watch pauses (60 s), shorter than a router or a mobile
carrier may forget it (minutes). On a forgotten one a request vanishes without an error."""
TIMEOUTS: Final = httpx.Timeout(connect=4.0, read=10.0, write=10.0, pool=1.0)
"""For each single operation, in seconds; the call's own deadline cuts them shorter."""
BODY_MAX: Final = 2 * 1024 * 1024
"""Bytes of an answer; a page of orders has some ten thousand."""
DETAIL_MAX: Final = 200
TRACE_MAX: Final = 64

CAUGHT: Final = (*FAILURES, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
"""All that a request may raise."""

_SECRETS: Final = re.compile(r"(?i)bearer\s+\S+|(APP_USR|TEST)-\d[\w-]+")


class Wire:
    """A client of one server, whose connection stays open until ``close``."""

    def __init__(self, base_url: str, token: Secret | None, clock: Clock, *, most: int = BODY_MAX) -> None:
        """``clock`` is the one by which calls have their deadlines; ``most``: bytes of an answer.

        Raises:
            ValueError: the token cannot travel in a header (empty, white space or line ends in it, not ASCII).
        """
        self._secret = token.reveal() if token else ""
        if token and not re.fullmatch(r"[!-~]+", self._secret):
            raise ValueError("the access token is empty, or holds characters that no token has")
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self._clock = clock
        self._most = most
        self._line = Line(clock)
        # Who carries our words, and under what name, is not for the environment to say: no proxies, no .netrc (our own
        # transport alone keeps httpx 0.28 from both; trust_env says that it is meant). Certificates are checked against
        # the system's authorities, which the system keeps up to date.
        self._client = httpx.Client(
            transport=_Transport(self._line, ssl.create_default_context()),
            base_url=base_url,
            headers={
                **({"Authorization": f"Bearer {self._secret}"} if token else {}),
                "Accept": "application/json" if token else "*/*",
                "Accept-Encoding": "identity",  # answers are small, and nothing unpacks to gigabytes
                "User-Agent": USER_AGENT,
            },
            timeout=TIMEOUTS,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connection; for the thread that uses it, or after that has ended."""
        self._client.close()

    def send(
        self,
        call: Call,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Unknown:
        """One request and its whole answer within ``call.until``, or why there is none."""
        if self._clock() >= call.until:
            return Unknown(**carried(call), trouble=Trouble.SLOW, detail="not begun, the time was up")
        self._line.until, self._line.heard = call.until, False
        headers = {**({"Content-Type": "application/json"} if body else {}), **(headers or {})}
        try:
            with self._client.stream(method, path, params=query, content=body, headers=headers) as response:
                reply = reply_from(response.status_code, response.headers, _whole(response, self._most))
        except NonsenseError as failure:
            return Unknown(**carried(call), trouble=Trouble.NONSENSE, detail=str(failure))
        except CAUGHT as failure:
            trouble = trouble_of(failure, self._line.heard)
            return Unknown(**carried(call), trouble=trouble, detail=words_of(failure))
        finally:
            self._client.cookies.clear()  # nobody's session is ours to keep
        return replace(reply, trace=self.discreet(reply.trace, TRACE_MAX))

    def discreet(self, text: str, most: int = DETAIL_MAX) -> str:
        """A text from outside, short and printable, without the token (a server may echo what it was sent; L10)."""
        known = text.replace(self._secret, "********") if self._secret else text
        return printable(_SECRETS.sub("********", known))[:most]


def _whole(response: httpx.Response, most: int) -> bytes:
    """The body.

    Raises:
        NonsenseError: it is packed, or too long.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NonsenseError("an answer packed in a way that was not asked for")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            raise NonsenseError(f"an answer of more than {most} bytes")
    return bytes(body)


class _Transport(httpx.BaseTransport):
    """httpx's own transport, but on our line: it has no argument for the network backend."""

    def __init__(self, line: Line, tls: ssl.SSLContext) -> None:
        # One thread, one request at a time: one connection.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=KEEP_S, network_backend=line
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of a response, as it comes."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
