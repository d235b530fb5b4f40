"""One self-test for each device and for the account: what is wrong, and what to do about it.

``kiosk check`` runs them. While the service runs it owns the devices: then the check asks it, and touches none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from kiosk.config import Config
from kiosk.ports import Clock, JournalError
from kiosk.sale.commands import AskAccount
from kiosk.sale.events import AccountIs, CallAnswer, Paper, Refused, Reject, Trouble, Unknown
from kiosk.sale.roll import LOW_TICKETS

CLOCK_OFF_S: Final = 60.0
"""A clock that is further off the provider's makes tickets with wrong times, and TLS fail in the end."""
CALL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one test found."""

    name: str
    ok: bool
    text: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""


class PosFound(Protocol):
    """What the account's own list says about the configured point of sale."""

    @property
    def count(self) -> int: ...
    @property
    def fixed_amount(self) -> bool: ...
    @property
    def store(self) -> str: ...


class Account(Protocol):
    """The provider as the check uses it."""

    def carry_out(self, call: AskAccount) -> CallAnswer:
        """Whose token it is."""
        ...

    def find_pos(self, until: float) -> PosFound | Refused | Unknown:
        """The configured point of sale in the account's list."""
        ...


REFUSALS: Final[Mapping[Reject, str]] = {
    Reject.TOKEN: "put the account's current production access token into the token file",
    Reject.FORBIDDEN: "the application must be one for in-person payments; make its token anew",
    Reject.NO_POS: "set [mercadopago] external_pos_id to the external id of the POS (not its number)",
    Reject.INVALID: "see the provider's words; the configured ids may be wrong",
}
TROUBLES: Final[Mapping[Trouble, str]] = {
    Trouble.NETWORK: "check cable, Wi-Fi and router",
    Trouble.NAME: "names cannot be resolved: check the network's DNS",
    Trouble.CLOCK: "this machine's clock is wrong: wait for the time service (timedatectl), or set it",
    Trouble.TLS: "no trusted connection: a portal or filter stands between, or the CA certificates are old",
    Trouble.SLOW: "the line is too slow or cut: try again",
    Trouble.SERVER: "the provider has a problem: try again later",
    Trouble.THROTTLED: "too many requests: try again in a minute",
    Trouble.NONSENSE: "something else answers in the provider's place (a login page?): open a browser in this network",
}
PAPERS: Final[Mapping[Paper, str]] = {
    Paper.OUT: "put paper in",
    Paper.COVER: "close the cover",
    Paper.OFFLINE: "press the printer's online button, or switch it off and on",
    Paper.GONE: "plug the printer in and switch it on; check [printer] in the configuration",
}

ADVICE: Final[Mapping[str, str]] = {
    "display": "check its wires, that I2C or SPI is on (raspi-config), and [display] in the configuration",
    "keypad": "check keys and wires; with the service stopped, kiosk check tells which line, kiosk keys shows each key",
    "sound": "check [sound] in the configuration, and that no other program uses the pin (gpioinfo)",
}
"""What to do about a device that is ill, by its name in the service's status."""
WELL: Final[Mapping[str, str]] = {
    "display": "takes its pictures",
    "keypad": "its lines can be read, and no key is stuck",
    "sound": "the pins of buzzer and lights can be switched",
}


def check_account(config: Config, account: Account, clock: Clock, wall: Callable[[], float]) -> Iterator[Result]:
    """Token, user, point of sale, and the clock against the provider's."""
    answer = account.carry_out(AskAccount(request=1, until=clock() + CALL_S))
    if isinstance(answer, AccountIs):
        yield from _whose(config, answer)
        if answer.date is not None:
            yield _clock(wall() - answer.date)
    else:
        yield _unanswered("token", answer)
        if isinstance(answer, Unknown):
            return
    yield _pos(config, account.find_pos(clock() + CALL_S))


def _whose(config: Config, answer: AccountIs) -> Iterator[Result]:
    yield Result("token", True, "accepted" + (", of a test account: tickets say TRAINING" if answer.test else ""))
    wanted = config.mercadopago.user_id
    yield Result(
        "user",
        answer.user_id == wanted,
        f"the token belongs to user {answer.user_id}",
        "" if answer.user_id == wanted else f"[mercadopago] user_id says {wanted}: correct it, or use the other token",
    )
    site = config.shop.site.id
    if answer.site != site:
        yield Result("site", False, f"the account is of {answer.site}", f"[shop] site says {site}: correct it")
    else:
        yield _minimum(config, answer.minimum)


def _minimum(config: Config, account_minimum: int) -> Result:
    """The smallest amount of a sale: the shop's, or the account's where that is larger."""
    shop = config.shop
    smallest, money = shop.smallest(account_minimum), shop.site.currency
    text = f"sales from {money.with_symbol(smallest)}"
    if smallest > shop.minimum:
        text += f": the account takes nothing below, whatever [sale] minimum says ({money.text(shop.minimum)})"
    elif account_minimum > smallest:
        advice = "set [sale] maximum higher, or ask Mercado Pago"
        return Result("minimum", False, f"the account takes nothing below {money.with_symbol(account_minimum)}", advice)
    return Result("minimum", True, text)


def _clock(off_s: float) -> Result:
    good = abs(off_s) < CLOCK_OFF_S
    text = f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the provider's"
    return Result("clock", good, text, "" if good else "wait for the time service (timedatectl), or set the clock")


def _pos(config: Config, found: PosFound | Refused | Unknown) -> Result:
    if isinstance(found, Refused | Unknown):
        return _unanswered("pos", found)
    settings = config.mercadopago
    name = settings.external_pos_id
    if found.count != 1:
        return Result("pos", False, f"{found.count} points of sale with external id {name}", REFUSALS[Reject.NO_POS])
    if not found.fixed_amount:
        advice = "set its fixed_amount to true, or customers can pay any amount without an order"
        return Result("pos", False, f"{name} lets the customer type the amount", advice)
    if found.store and found.store != settings.external_store_id:
        advice = f"[mercadopago] external_store_id says {settings.external_store_id}: correct it"
        return Result("pos", False, f"{name} belongs to store {found.store}", advice)
    return Result("pos", True, f"{name} found, with a fixed amount")


def _unanswered(name: str, answer: CallAnswer) -> Result:
    match answer:
        case Refused():
            return Result(
                name, False, f"refused: {answer.reject.value} {answer.detail}".rstrip(), REFUSALS[answer.reject]
            )
        case Unknown():
            return Result(
                name, False, f"no answer: {answer.trouble.value} {answer.detail}".rstrip(), TROUBLES[answer.trouble]
            )
        case _:
            return Result(name, False, "an answer to another question", "try again")


def check_keypad(well: str, problems: list[str]) -> Iterator[Result]:
    """What the keypad is, in its own words; and its ``problems``, each with what to do."""
    if well and not problems:
        yield Result("keypad", True, well)
    for problem in problems:
        yield Result("keypad", False, problem)


def check_printer(paper: Paper, trouble: str = "") -> Result:
    """The printer's own word; ``trouble``: what it or the settings want mended."""
    if paper.usable and trouble:
        return Result("printer", False, f"{paper.value}, but {trouble}", "change [printer] to what this printer can do")
    if paper.usable:
        silent = "connected; it does not report its state" if paper is Paper.SILENT else f"ready ({paper.value})"
        return Result("printer", True, silent)
    return Result("printer", False, ", ".join(filter(None, (paper.value, trouble))), PAPERS.get(paper, ""))


def check_paper(tickets_left: int | None) -> Iterator[Result]:
    """The forecast of the paper; nothing where nobody knows."""
    if tickets_left is not None:
        advice = "have a new roll at hand" if tickets_left <= LOW_TICKETS else ""
        yield Result("paper", True, f"for about {tickets_left} tickets", advice)


def check_display(fault: str | None, driver: str) -> Result:
    """Whether the panel took a picture; ``fault`` as the display tells it."""
    if fault is None:
        return Result("display", True, f"{driver} took a picture")
    return Result("display", False, fault, ADVICE["display"])


def check_sound(faults: Sequence[str] | None) -> Iterator[Result]:
    """The pins of buzzer and lights; None: there are none."""
    if faults is not None:
        yield from _device("sound", faults)


def check_journal(path: Path, refuse_damaged: Callable[[Path], None]) -> Result:
    """Whether the journal is whole, every page of it; a kiosk that never ran has none."""
    if not path.exists():
        return Result("journal", True, f"{path}: none yet; the kiosk makes it at its first start")
    try:
        refuse_damaged(path)
    except JournalError as error:
        advice = "do not delete it; at its next start the kiosk sets it aside and begins a new one: or restore a backup"
        return Result("journal", False, str(error), advice)
    return Result("journal", True, f"{path}: whole")


def check_set_aside(names: Sequence[str]) -> Iterator[Result]:
    """Damaged journals that the kiosk set aside and that still lie there; nothing where there are none."""
    if names:
        advice = (
            "perhaps not all that was open in it is known: read it (kiosk sales --journal FILE), compare it with the "
            "account, and move it elsewhere"
        )
        yield Result("aside", False, f"a damaged journal was set aside: {', '.join(names)}", advice)


def _device(name: str, faults: Sequence[str]) -> Iterator[Result]:
    if not faults:
        yield Result(name, True, WELL[name])
    for fault in faults:
        yield Result(name, False, fault, ADVICE[name])


def modes(config: Config) -> Iterator[Result]:
    """What happens when a device dies, as the configuration chose; no fault, but to be known."""
    shop = config.shop
    if shop.printer:
        owed = "no new sale" if shop.printer_required else "sales go on, tickets are owed"
        yield Result("mode", True, f"printer dead: {owed}")
    if config.display.driver != "none":
        blind = "no new sale" if shop.display_required else "sales go on by lights and sounds, key 1 confirms each"
        yield Result("mode", True, f"display dead: {blind}")


def check_supervisors(entries: Sequence[str], wrong: Sequence[str]) -> Result:
    """Whether somebody can give money back at the keypad; a shop need not have anybody who does."""
    if wrong:
        return Result("refunds", False, "; ".join(wrong), "kiosk pin NAME writes it; [refunds] supervisors names it")
    count = len(entries)
    told = f"{count} supervisor{'s' if count > 1 else ''}" if count else "no supervisors, so none at the keypad"
    return Result("refunds", True, told)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _ready(sells: bool, faults: Sequence[str]) -> Result:
    """What the panel says in the menu, and where no sale can be made: what stops it stands first."""
    if not sells:
        return Result("ready", False, f"not to sell: {'; '.join(faults)}", "what to do is said below, line by line")
    return Result("ready", True, "; ".join(("to sell", *faults)))


def of_service(status: Mapping[str, object]) -> Iterator[Result]:
    """The running service's word on what it owns."""
    health = status.get("health")
    if not isinstance(health, Mapping):
        text = str(status.get("error", "it does not tell its state"))
        yield Result("service", False, text, "systemctl restart kiosk; see journalctl -u kiosk")
        return
    yield Result("service", True, f"running, state {status.get('state')}")
    yield _ready(status.get("state") != "blocked", [str(fault) for fault in _list(status.get("faults"))])
    printer = health.get("printer")
    yield check_printer(Paper(printer)) if printer else Result("printer", True, "not asked yet")
    for device in ADVICE:
        if isinstance(health.get(device), list):
            yield from _device(device, [str(fault) for fault in _list(health[device])])
    left = health.get("tickets_left")
    yield from check_paper(left if isinstance(left, int) else None)
    heard = health.get("notifications")
    if isinstance(heard, Mapping) and "listen" in heard:
        yield check_notifications(str(heard["listen"]), str(heard["why"]), heard.get("heard"))
    yield from check_set_aside([str(name) for name in _list(health.get("set_aside"))])
    journal = bool(health.get("journal"))
    advice = "" if journal else "free disk space; check the card; see journalctl -u kiosk"
    yield Result("journal", journal, "written" if journal else "cannot be written", advice)


def check_notifications(listen: str, why: str, heard: object) -> Result:
    """Whether notifications can be heard; ``why`` they cannot, empty: they can. No sale waits for it."""
    if why:
        return Result("notices", False, f"{listen}: {why}", 'choose another [notifications] listen, or "" for none')
    return Result("notices", True, f"{listen}: {heard or 0} heard since the start")


def write(results: list[Result], out: TextIO, *, as_json: bool) -> int:
    """Show the results; answers the exit status: 1 if anything is wrong."""
    if as_json:
        json.dump([asdict(result) for result in results], out, ensure_ascii=False, indent=1)
        out.write("\n")
    else:
        for result in results:
            out.write(f"{'ok ' if result.ok else 'BAD'}  {result.name:<8}  {result.text}\n")
            if result.advice:
                out.write(f"               -> {result.advice}\n")
    return 0 if all(result.ok for result in results) else 1
