"""Mercado Pago: the order on the printed QR, and whether it was paid (in-store orders V2, the "attended" model).

One call of the centre is one request, but for a deep look. Whether anything came back in time is the line's affair
(``line``), what it means is read in ``answers``, and ``look`` puts a look together.
Here stand the addresses and the client. Nothing is repeated: the centre knows when a second attempt is allowed.

Reused connections: one that the server closed while it was idle is noticed before a request is written to it, and
replaced (httpcore looks whether the socket can be read). What is left is the moment in which both happen at once; such
a request is ``Unknown``, as it must be. The guard asks the POS right before an order is placed, so that a PUT travels
on a connection that was alive a moment ago.

Logs: httpx writes the address of each request at INFO, which has no secret in it, but comes every two seconds; httpcore
writes the headers of each answer at DEBUG, where a server may have echoed the token (law L10). Both are silenced below
WARNING. What is worth telling of a request stands in its answer.

Sources: the references at mercadopago.com/developers (and in the repository mercadopago/devsite-docs).
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never
from urllib.parse import quote

import httpcore
import httpx

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.mercadopago.answers import Reply, account, carried, holding, placing, reading, removing, reply_from
from kiosk.mercadopago.json import NonsenseError, printable
from kiosk.mercadopago.line import FAILURES, Line, trouble_of, words_of
from kiosk.mercadopago.look import look
from kiosk.mercadopago.statement import statement
from kiosk.mercadopago.words import Page, PointOfSale, read_pos_page, write_order
from kiosk.ports import Clock
from kiosk.sale.commands import AskAccount, AskPos, AskStatement, Call, Look, PaymentCall, Place, Withdraw
from kiosk.sale.events import CallAnswer, Refused, Reject, Trouble, Unknown
from kiosk.sale.money import Site

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

_SECRETS: Final = re.compile(r"(?i)bearer\s+\S+|APP_USR-[\w-]+")


@dataclass(frozen=True, slots=True)
class PosFound:
    """What the account's own list says about the configured point of sale."""

    count: int
    """Points of sale with the configured external id; anything but 1 is a wrong configuration."""
    fixed_amount: bool = False
    """The customer cannot type an amount. It must be so: otherwise money comes without an order."""
    store: str = ""
    """The external id of its store."""
    name: str = ""
    date: float | None = None
    """The provider's clock, seconds since 1970."""


class MercadoPago:
    """The payment service behind ``kiosk.ports.Provider``. One instance a lane, used by one thread at a time."""

    def __init__(self, settings: MercadoPagoConfig, token: Secret, site: Site, clock: Clock, *, title: str) -> None:
        """``title`` is what the customer's app shows; ``clock`` is the one by which calls have their deadlines.

        Raises:
            ValueError: the token cannot travel in a header (empty, white space or line ends in it, not ASCII).
        """
        secret = token.reveal()
        if not re.fullmatch(r"[!-~]+", secret):
            raise ValueError("the access token is empty, or holds characters that no token has")
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self._settings = settings
        self._token = token
        self._site = site
        self._clock = clock
        self._title = title
        self._pos_number: str | None = None
        """Mercado Pago's number of our POS; empty: the account does not tell. None: not asked yet."""
        self._line = Line(clock)
        # Who carries our words, and under what name, is not for the environment to say: no proxies, no .netrc (our own
        # transport alone keeps httpx 0.28 from both; trust_env says that it is meant). Certificates are checked against
        # the system's authorities, which the system keeps up to date.
        self._client = httpx.Client(
            transport=_Transport(self._line, ssl.create_default_context()),
            base_url=settings.base_url,
            headers={
                "Authorization": f"Bearer {secret}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # answers are small, and nothing unpacks to gigabytes
                "User-Agent": USER_AGENT,
            },
            timeout=TIMEOUTS,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connection; for the lane's own thread, or after it has ended."""
        self._client.close()

    def carry_out(self, call: PaymentCall) -> CallAnswer:
        """Make the request, within ``call.until``. Never raises: what it cannot know is an ``Unknown``."""
        answer = self._answer(call)
        if isinstance(answer, (Refused, Unknown)):
            return replace(answer, detail=self._discreet(answer.detail))
        return answer

    def find_pos(self, until: float) -> PosFound | Refused | Unknown:
        """The configured point of sale in the account's own list; ``until`` as in a call."""
        answer = self._find_pos(Call(request=0, until=until))
        return answer if isinstance(answer, PosFound) else replace(answer, detail=self._discreet(answer.detail))

    def _answer(self, call: PaymentCall) -> CallAnswer:
        match call:
            case Place():
                return self._place(call)
            case AskPos():
                reply = self._send(call, "GET", self._pos_path())
                return holding(call, reply, self._site) if isinstance(reply, Reply) else reply
            case Look():
                return look(call, lambda path, query: self._send(call, "GET", path, query), self._site)
            case Withdraw():
                reply = self._send(call, "DELETE", self._pos_path())
                return removing(call, reply) if isinstance(reply, Reply) else reply
            case AskAccount():
                reply = self._send(call, "GET", "/users/me")
                return account(call, reply) if isinstance(reply, Reply) else reply
            case AskStatement():
                return self._statement(call)
            case _:
                assert_never(call)

    def _place(self, call: Place) -> CallAnswer:
        sale = call.sale
        if sum(line.cents for line in sale.lines) != sale.cents:
            # Never two amounts in one order (law L5). Nothing was sent, so that a final refusal is the truth.
            return Refused(**carried(call), reject=Reject.INVALID, detail="the lines do not add up to the amount")
        body = write_order(sale, self._title, self._site.currency, self._settings.notification_url)
        reply = self._send(call, "PUT", self._pos_path(self._settings.external_store_id), body=body)
        return placing(call, reply) if isinstance(reply, Reply) else reply

    def _pos_path(self, store: str = "") -> str:
        """The order of our POS. Only PUT names the store, says the reference."""
        within = f"/stores/{quote(store, safe='')}" if store else ""
        pos = quote(self._settings.external_pos_id, safe="")
        return f"/instore/qr/seller/collectors/{self._settings.user_id}{within}/pos/{pos}/orders"

    def _statement(self, call: AskStatement) -> CallAnswer:
        if self._pos_number is None:
            found = self._matching_pos(call)
            if isinstance(found, Unknown):
                return found
            # An account that may not list its POS (403) still shows its payments: ours are known by their references.
            self._pos_number = found[0][0].number if isinstance(found, tuple) and len(found[0]) == 1 else ""
        return statement(call, lambda path, query: self._send(call, "GET", path, query), self._site, self._pos_number)

    def _find_pos(self, call: Call) -> PosFound | Refused | Unknown:
        found = self._matching_pos(call)
        if not isinstance(found, tuple):
            return found
        matching, date = found
        if len(matching) != 1:
            return PosFound(len(matching), date=date)
        return PosFound(1, matching[0].fixed_amount, matching[0].store, matching[0].name, date)

    def _matching_pos(self, call: Call) -> tuple[list[PointOfSale], float | None] | Refused | Unknown:
        """The points of sale with the configured external id, and the answer's ``Date``."""
        wanted = self._settings.external_pos_id
        reply = self._send(call, "GET", "/pos", {"external_id": wanted})
        if not isinstance(reply, Reply):
            return reply
        page = reading(call, reply, read_pos_page)
        if not isinstance(page, Page):
            return page
        # External ids are unique in an account, whatever their case; the search may show others that begin alike.
        return [pos for pos in page.found if pos.external_id.lower() == wanted.lower()], reply.date

    # --- the wire ---------------------------------------------------------------------------------------------------

    def _send(
        self, call: Call, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply | Unknown:
        """One request and its whole answer within ``call.until``, or why there is none."""
        if self._clock() >= call.until:
            return Unknown(**carried(call), trouble=Trouble.SLOW, detail="not begun, the time was up")
        self._line.until, self._line.heard = call.until, False
        headers = {"Content-Type": "application/json"} if body else None
        try:
            with self._client.stream(method, path, params=query, content=body, headers=headers) as response:
                reply = reply_from(response.status_code, response.headers, _whole(response))
        except NonsenseError as failure:
            return Unknown(**carried(call), trouble=Trouble.NONSENSE, detail=str(failure))
        except CAUGHT as failure:
            trouble = trouble_of(failure, self._line.heard)
            return Unknown(**carried(call), trouble=trouble, detail=words_of(failure))
        finally:
            self._client.cookies.clear()  # nobody's session is ours to keep
        return replace(reply, trace=self._discreet(reply.trace, TRACE_MAX))

    def _discreet(self, text: str, most: int = DETAIL_MAX) -> str:
        """A text from outside, short and printable, without the token (a server may echo what it was sent; L10)."""
        text = _SECRETS.sub("********", text.replace(self._token.reveal(), "********"))
        return printable(text)[:most]


def _whole(response: httpx.Response) -> bytes:
    """The body.

    Raises:
        NonsenseError: it is packed, or too long.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NonsenseError("an answer packed in a way that was not asked for")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > BODY_MAX:
            raise NonsenseError(f"an answer of more than {BODY_MAX} bytes")
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
