"""``kiosk setup``: from an access token to a shop that can sell. Finds the account, its store and its point of sale,
makes or mends them where that is wanted, and fills in configuration and token file.

Asked in this order, so that nothing is made before all of it is known to be possible: token, user, store, point of
sale. Nothing is written before Mercado Pago has answered all of it; a second run finds what the first has made.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, TypeVar

from kiosk.check import REFUSALS, TROUBLES
from kiosk.config import STORED_TOKEN, ConfigError, Secret, load
from kiosk.config.filling import Wanted, differing, fill
from kiosk.config.schema import API, POS_ID, STORE_ID
from kiosk.config.toml_tables import Rule, shown
from kiosk.mercadopago.premises import Address, NotDoneError, Pos, Premises, Store
from kiosk.sale.events import AccountIs, Refused, Reject
from kiosk.sale.money import SITES

T = TypeVar("T", Store, Pos)

_EXAMPLE: Final = "EXAMPLE"
"""What the annotated configuration has in the place of names begins so."""


class SetupError(Exception):
    """What stands in the way, and what to do about it, in one line."""


class Desk(Protocol):
    """Whoever is asked: a technician at a terminal, or a script, which has said everything with its options."""

    def say(self, text: str) -> None:
        """Tell."""
        ...

    def ask(self, question: str, option: str, default: str = "") -> str:
        """A text, not empty."""
        ...

    def choose(self, question: str, option: str, names: Sequence[str]) -> int:
        """One of these, counted from 0."""
        ...

    def agree(self, question: str, option: str) -> bool:
        """Yes or no; nothing is made, changed or replaced without a yes."""
        ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says."""

    store: str = ""
    """The store's external id; empty: ask."""
    pos: str = ""
    create: bool = False
    """Yes to everything that Mercado Pago is to make or to change."""
    force: bool = False
    """Yes to everything that is to be replaced on this machine."""
    shop: str = ""
    address: Address | None = None
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """What Mercado Pago knows of the shop now."""

    account: AccountIs
    store: Store
    pos: Pos


def find_shop(premises: Premises, desk: Desk, wishes: Wishes, ask_address: Callable[[], Address]) -> Shop:
    """The account, its store and its point of sale, made and mended as it was agreed.

    Raises:
        SetupError: Mercado Pago refuses or does not answer, or nobody agreed.
    """
    for value, rule, option in ((wishes.store, STORE_ID, "--store"), (wishes.pos, POS_ID, "--pos")):
        if value:
            _check_id(value, rule, option)
    try:
        account = premises.whose()
        if account.site not in SITES:
            raise SetupError(f"the account is of {account.site}, a country that this kiosk does not know")
        test = ", a test account: tickets will say TRAINING" if account.test else ""
        desk.say(f"the token belongs to user {account.user_id} ({account.site}){test}")
        rooms = _Rooms(premises, desk, wishes, account.user_id, ask_address)
        store = rooms.store()
        return Shop(account, store, rooms.pos(store))
    except NotDoneError as error:
        raise SetupError(_explained(error)) from None


def _explained(error: NotDoneError) -> str:
    answer = error.answer
    if isinstance(answer, Refused):
        advice = _OWN_NAMES if answer.reject is Reject.INVALID else REFUSALS[answer.reject]
        return f"Mercado Pago refuses: {answer.detail}; {advice}"
    return f"no answer from Mercado Pago: {answer.trouble.value} {answer.detail}; {TROUBLES[answer.trouble]}"


_OWN_NAMES: Final = "mend what it names (cities and states in its own spelling: api.mercadolibre.com/countries)"


def _check_id(value: str, rule: Rule, option: str) -> str:
    if not rule.allows(value):
        raise SetupError(f"{option} {shown(value)}: must be {rule.words}")
    return value


@dataclass(frozen=True, slots=True)
class _Rooms:
    """The account's stores and points of sale, as they are asked for."""

    premises: Premises
    desk: Desk
    wishes: Wishes
    user_id: int
    ask_address: Callable[[], Address]

    def store(self) -> Store:
        """The shop's store, with an external id."""
        stores = self.premises.stores(self.user_id)
        store = self._chosen(stores, self.wishes.store, "store", "--store")
        if store is None:
            return self._new_store()
        if store.external_id:
            self.desk.say(f"store {store.external_id} ({store.name})")
            return store
        external_id = self._new_id(STORE_ID, "store", "--store", self.wishes.store or "STORE01")
        self._may(f"store {store.name!r} has no external id: give it {external_id}")
        return (
            replace(store, external_id=external_id)
            if self.wishes.dry
            else self.premises.name_store(self.user_id, store, external_id)
        )

    def pos(self, store: Store) -> Pos:
        """The counter's point of sale in that store, with an external id and a fixed amount."""
        everywhere = self.premises.points_of_sale()
        wanted = self.wishes.pos.lower()
        for each in everywhere:
            if wanted and each.external_id.lower() == wanted and each.store_number != store.number:
                raise SetupError(f"{each.external_id} belongs to another store: choose another --pos, or its --store")
        here = [pos for pos in everywhere if store.number and pos.store_number == store.number]
        pos = self._chosen(here, self.wishes.pos, "point of sale", "--pos")
        if pos is None:
            return self._new_pos(store)
        if pos.external_id and pos.fixed_amount:
            self.desk.say(f"point of sale {pos.external_id} ({pos.name})")
            return pos
        return self._mended(pos)

    def _mended(self, pos: Pos) -> Pos:
        external_id = pos.external_id
        if not external_id:
            external_id = self._new_id(POS_ID, "point of sale", "--pos", self.wishes.pos or "KIOSK01")
            self._may(f"point of sale {pos.name!r} has no external id: give it {external_id}")
        if not pos.fixed_amount:
            self._may(f"{external_id} lets the customer type an amount, which pays for nothing: fix it")
        if self.wishes.dry:
            return replace(pos, external_id=external_id, fixed_amount=True)
        mended = self.premises.mend_pos(pos, external_id)
        if mended.external_id.lower() != external_id.lower() or not mended.fixed_amount:
            raise SetupError(
                f"Mercado Pago has not changed {pos.name!r}: make a new point of sale, --pos with a new id and --create"
            )
        return mended

    def _chosen(self, there: list[T], wanted: str, what: str, option: str) -> T | None:
        """One of those that are there; None: a new one."""
        if wanted:
            named = [each for each in there if each.external_id.lower() == wanted.lower()]
            # One that has no id yet can get the wanted one, where there is no doubt which is meant.
            nameless = [each for each in there if not each.external_id] if len(there) == 1 else []
            return next(iter(named or nameless), None)
        if not there:
            return None
        if len(there) == 1 and isinstance(there[0], Store):  # kiosks share a store, and never a point of sale
            return there[0]
        names: list[str] = [f"{each.external_id or 'without an external id'} ({each.name})" for each in there]
        index = self.desk.choose(f"which {what}", option, [*names, "a new one"])
        return there[index] if index < len(there) else None

    def _new_store(self) -> Store:
        external_id = self._new_id(STORE_ID, "store", "--store", self.wishes.store or "STORE01")
        self._may(f"there is no store {external_id}: make it")
        name = self.wishes.shop or self.desk.ask("name of the shop", "--shop")
        address = self.wishes.address or self.ask_address()
        if self.wishes.dry:
            return Store("", external_id, name)
        return self.premises.make_store(self.user_id, external_id, name, address)

    def _new_pos(self, store: Store) -> Pos:
        external_id = self._new_id(POS_ID, "point of sale", "--pos", self.wishes.pos or "KIOSK01")
        self._may(f"there is no point of sale {external_id} in store {store.external_id}: make it")
        if self.wishes.dry:
            return Pos("", external_id, external_id, True, store.number)
        pos = self.premises.make_pos(store, external_id, f"{store.name} {external_id}")
        if pos.external_id.lower() != external_id.lower() or not pos.fixed_amount:
            raise SetupError(f"Mercado Pago has made {pos.name!r} otherwise than asked; look at it in its panel")
        return pos

    def _new_id(self, rule: Rule, what: str, option: str, default: str) -> str:
        wanted = getattr(self.wishes, option.removeprefix("--"))
        return str(
            wanted
            or _check_id(
                self.desk.ask(f"external id of the {what} (your own, letters and digits)", option, default),
                rule,
                option,
            )
        )

    def _may(self, deed: str) -> None:
        if self.wishes.dry:
            self.desk.say(f"would be changed: {deed}")
        elif self.wishes.create:
            self.desk.say(deed)
        elif not self.desk.agree(deed, "--create"):
            raise SetupError("nothing was changed")


# --- what is written --------------------------------------------------------------------------------------------------


def settings(shop: Shop, name: str, base_url: str, token_file: Path) -> Wanted:
    """What the shop's configuration must say."""
    provider: dict[str, object] = {
        "user_id": shop.account.user_id,
        "external_store_id": shop.store.external_id,
        "external_pos_id": shop.pos.external_id,
    }
    if base_url != API:
        provider["base_url"] = base_url
    if token_file != STORED_TOKEN:
        provider["access_token_file"] = str(token_file)
    return {"shop": {"name": name, "site": shop.account.site}, "mercadopago": provider}


def text_of(path: Path, template: str) -> str:
    """The present configuration; the annotated one where there is none.

    Raises:
        SetupError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return template
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{path}: is not UTF-8 text; save the file as UTF-8") from None


def present(text: str, table: str, key: str) -> str:
    """What the shop's configuration says there; empty where it says nothing, has the example, or is not TOML."""
    try:
        value = tomllib.loads(text).get(table, {}).get(key, "")
    except (ValueError, AttributeError):
        return ""
    return value if isinstance(value, str) and not value.startswith(_EXAMPLE) else ""


def write_settings(path: Path, template: str, wanted: Wanted, desk: Desk, wishes: Wishes) -> None:
    """Fill the configuration in. One that the shop has filled in already is changed only where that is agreed.

    Raises:
        SetupError: nobody agreed, it cannot be written, or what is in it already is wrong.
    """
    text = text_of(path, template)
    try:
        changes, filled = differing(text, wanted), fill(text, wanted)
    except ValueError as error:
        raise SetupError(f"{path}: {error}") from None
    if not changes and path.exists():
        desk.say(f"{path}: says all of this already")
        return
    told = ", ".join(f"[{table}] {key} = {shown(wanted[table][key])}" for table, key in changes)
    if wishes.dry:
        desk.say(f"would be written: {path}: {told}")
        return
    asked = f"{path} is filled in already; change {told}"
    if text != template and not wishes.force and not desk.agree(asked, "--force"):
        raise SetupError(f"{path}: not changed")
    _write(path, filled, 0o644, load)
    desk.say(f"{path}: {told}")


def write_token(path: Path, token: Secret, desk: Desk, wishes: Wishes) -> None:
    """Put the token where systemd takes it from, for its owner alone.

    Raises:
        SetupError: another is there and nobody agreed, or it cannot be written.
    """
    try:
        there = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        there = ""
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}") from None
    if there == token.reveal():
        desk.say(f"{path}: holds this token already")
        return
    if wishes.dry:
        desk.say(f"would be written: {path}")
        return
    if there and not wishes.force and not desk.agree(f"{path} holds another token: replace it", "--force"):
        raise SetupError(f"{path}: not changed")
    _write(path, token.reveal() + "\n", 0o600)
    desk.say(f"{path}: the access token, for root alone")


def _write(path: Path, text: str, mode: int, check: Callable[[Path], object] = lambda _: None) -> None:
    """A file, whole, checked and on the disk, or not at all."""
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check(new)
        new.replace(path)
    except ConfigError as error:
        raise SetupError("; ".join(line.replace(str(new), str(path)) for line in error.errors)) from None
    except OSError as error:
        raise SetupError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        if new.exists():
            new.unlink()
