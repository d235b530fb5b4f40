"""The account's stores and points of sale: found, made, and set right. What ``kiosk setup`` asks of Mercado Pago.

A point of sale that the kiosk can use has an ``external_id`` (one that was made in the web panel has none), and a
``fixed_amount``: otherwise the customer types an amount of his own, and money comes without an order.

Sources: the references "stores" and "pos" at mercadopago.com/developers. The search of stores comes as a page, or as a
list with one page in it; ids come as numbers or as texts. A store that was just made may not be found at once: what a
POST answers is believed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

from kiosk.config import Secret
from kiosk.config.addresses import is_loopback
from kiosk.mercadopago.answers import Reply, account, carried, nonsense, not_done
from kiosk.mercadopago.json import Fields, NonsenseError, dumps, loads
from kiosk.mercadopago.wire import Wire
from kiosk.mercadopago.words import read_error
from kiosk.ports import Clock
from kiosk.sale.commands import Call
from kiosk.sale.events import AccountIs, Refused, Reject, Trouble, Unknown

T = TypeVar("T")

CALL_S: Final = 15.0
PAGE: Final = 50
PAGES_MAX: Final = 20
"""A thousand stores; whoever has more names the one with --store."""
POS_NAME_MAX: Final = 44
"""The reference: "less than 45 characters"."""
PICTURE_MAX: Final = 16 * 1024 * 1024
REDIRECTS_MAX: Final = 3


class NotDoneError(Exception):
    """What Mercado Pago refused, or did not answer."""

    def __init__(self, answer: Refused | Unknown) -> None:
        super().__init__(answer.detail)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Store:
    """A store of the account."""

    number: str
    """Mercado Pago's own id of it."""
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Pos:
    """A point of sale, and where the pictures of its QR are."""

    number: str
    external_id: str
    name: str
    fixed_amount: bool
    store_number: str
    image: str = ""
    """The QR alone, as PNG."""
    template: str = ""
    """A sheet to print, as PDF."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is. Mercado Pago takes only its own names of cities and states."""

    street_name: str
    street_number: str
    city_name: str
    state_name: str
    latitude: Decimal
    longitude: Decimal
    reference: str = ""


class Premises:
    """Stores and points of sale of the account that the token belongs to. Used by one thread.

    Every method ends within some seconds, and raises ``NotDoneError`` where it was refused or not answered.
    """

    def __init__(self, base_url: str, token: Secret, clock: Clock) -> None:
        """``clock``: monotonic seconds.

        Raises:
            ValueError: the token cannot travel in a header.
        """
        self._clock = clock
        self._wire = Wire(base_url, token, clock)

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def whose(self) -> AccountIs:
        """Whose token it is."""
        call, reply = self._asked("GET", "/users/me")
        answer = account(call, reply)
        if isinstance(answer, AccountIs):
            return answer
        raise self._not_done(answer)

    def stores(self, user_id: int) -> list[Store]:
        """All stores."""
        return self._all(f"/users/{user_id}/stores/search", {}, _store)

    def points_of_sale(self) -> list[Pos]:
        """All points of sale, of all stores."""
        return self._all("/pos", {}, _pos)

    def make_store(self, user_id: int, external_id: str, name: str, address: Address) -> Store:
        """A new store. It must be a real address: taxes are reckoned by it."""
        location = {
            "street_name": address.street_name,
            "street_number": address.street_number,
            "city_name": address.city_name,
            "state_name": address.state_name,
            "latitude": address.latitude,
            "longitude": address.longitude,
            "reference": address.reference,
        }
        body = {"name": name, "external_id": external_id, "location": location}
        return self._made("POST", f"/users/{user_id}/stores", body, _store)

    def name_store(self, user_id: int, store: Store, external_id: str) -> Store:
        """Give a store an external id that has none."""
        self._made("PUT", f"/users/{user_id}/stores/{store.number}", {"external_id": external_id}, _anything)
        return replace(store, external_id=external_id)

    def make_pos(self, store: Store, external_id: str, name: str) -> Pos:
        """A new point of sale of that store, of the generic category."""
        body = {
            "name": name[:POS_NAME_MAX],
            "fixed_amount": True,
            "store_id": int(store.number),  # as text it is refused
            "external_store_id": store.external_id,
            "external_id": external_id,
        }
        return self._made("POST", "/pos", body, _pos)

    def mend_pos(self, pos: Pos, external_id: str) -> Pos:
        """Give a point of sale that external id, and a fixed amount; answers it as Mercado Pago shows it then.

        The reference names no ``external_id`` here, and yet the errors for wrong ones; so whoever asked must look
        whether it has taken it.
        """
        body = {"external_id": external_id, "fixed_amount": True}
        self._made("PUT", f"/pos/{pos.number}", body, _anything)
        call, reply = self._asked("GET", f"/pos/{pos.number}")
        return self._read(call, reply, _pos)

    def _all(self, path: str, query: Mapping[str, str], read: Callable[[object], T]) -> list[T]:
        found: list[T] = []
        for _ in range(PAGES_MAX):
            page_query = {**query, "limit": str(PAGE), "offset": str(len(found))}
            call, reply = self._asked("GET", path, page_query)
            page, total = self._read(call, reply, lambda value: _page(value, read))
            found += page
            if not page or len(found) >= total:
                break
        return found

    def _made(self, method: str, path: str, body: Mapping[str, object], read: Callable[[object], T]) -> T:
        call, reply = self._asked(method, path, body=dumps(dict(body)).encode())
        return self._read(call, reply, read)

    def _asked(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Call, Reply]:
        call = Call(request=0, until=self._clock() + CALL_S)
        reply = self._wire.send(call, method, path, query, body)
        if isinstance(reply, Unknown):
            raise self._not_done(reply)
        return call, reply

    def _read(self, call: Call, reply: Reply, read: Callable[[object], T]) -> T:
        if not reply.success:
            error = read_error(reply.body)
            if reply.status in (404, 409) and error:  # an id that is unknown, or taken: final
                detail = f"{reply.status} {error.key}: {error.message}"
                raise self._not_done(Refused(**carried(call, reply), reject=Reject.INVALID, detail=detail))
            raise self._not_done(not_done(call, reply))
        try:
            return read(loads(reply.body))
        except NonsenseError as error:
            raise self._not_done(nonsense(call, reply, str(error))) from None

    def _not_done(self, answer: object) -> NotDoneError:
        assert isinstance(answer, Refused | Unknown)
        return NotDoneError(replace(answer, detail=self._wire.discreet(answer.detail)))


def _page(value: object, read: Callable[[object], T]) -> tuple[list[T], int]:
    page = Fields(value[0] if isinstance(value, list) and len(value) == 1 else value, "the answer")
    if "results" not in page:
        raise NonsenseError("no results")
    found = [read(each) for each in page.elements("results")]
    paging = page.inner("paging")
    return found, (paging.whole("total") if paging else None) or len(found)


def _store(value: object) -> Store:
    store = Fields(value, "store")
    return Store(store.id("id"), store.text("external_id"), store.text("name"))


def _pos(value: object) -> Pos:
    pos = Fields(value, "pos")
    qr = pos.inner("qr")
    return Pos(
        number=pos.id("id"),
        external_id=pos.text("external_id"),
        name=pos.text("name"),
        fixed_amount=pos.flag("fixed_amount"),
        store_number=pos.id("store_id") if pos.has("store_id") else "",
        image=qr.text("image") if qr else "",
        template=qr.text("template_document") if qr else "",
    )


def _anything(value: object) -> None:
    Fields(value, "the answer")


def picture(address: str, clock: Clock) -> bytes:
    """What lies at the address of a QR's picture. It is another server's: the token does not go there.

    Raises:
        NotDoneError: there is no picture, or it cannot be had safely.
    """
    call = Call(request=0, until=clock() + CALL_S)
    at_home = is_loopback(urlsplit(address).hostname or "")  # the fake account's
    for _ in range(REDIRECTS_MAX + 1):
        parts = urlsplit(address)
        if parts.scheme != "https" and not (at_home and is_loopback(parts.hostname or "")):
            raise NotDoneError(Unknown(request=0, trouble=Trouble.NONSENSE, detail="no https address"))
        wire = Wire(f"{parts.scheme}://{parts.netloc}", None, clock, most=PICTURE_MAX)
        try:
            reply = wire.send(call, "GET", address)
        finally:
            wire.close()
        if isinstance(reply, Unknown):
            raise NotDoneError(reply)
        if reply.status == 200 and reply.body.startswith((b"%PDF-", b"\x89PNG\r\n\x1a\n")):
            return reply.body
        if reply.status not in (301, 302, 303, 307, 308) or not reply.location:
            raise NotDoneError(Unknown(request=0, trouble=Trouble.NONSENSE, detail=f"{reply.status}: no PDF, no PNG"))
        address = urljoin(address, reply.location)
    raise NotDoneError(Unknown(request=0, trouble=Trouble.NONSENSE, detail="redirected without end"))
