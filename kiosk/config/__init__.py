"""``kiosk.toml`` -> a frozen ``Config``; all errors at once; secrets print as ``********``."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kiosk.config.addresses import is_loopback
from kiosk.config.checks import amounts, check_display, check_keypad, check_pins, check_printer, presets, shop_zone
from kiosk.config.schema import (
    CREDENTIAL,
    DisplayConfig,
    JournalTable,
    KeypadConfig,
    MercadoPagoConfig,
    NotificationsTable,
    PrinterConfig,
    RefundsTable,
    SaleTable,
    ShopTable,
    SoundConfig,
)
from kiosk.config.toml_tables import ConfigError, TomlFile, write_table
from kiosk.sale.money import SITES
from kiosk.sale.shop import Shop

__all__ = [
    "DEFAULT_PATH",
    "STORED_TOKEN",
    "Config",
    "ConfigError",
    "DisplayConfig",
    "KeypadConfig",
    "MercadoPagoConfig",
    "PanelConfig",
    "PrinterConfig",
    "Secret",
    "SoundConfig",
    "load",
    "load_panel",
    "load_token",
    "masked",
    "read_token",
    "token_warning",
]

DEFAULT_PATH: Final = Path("/etc/kiosk/kiosk.toml")
STORED_TOKEN: Final = DEFAULT_PATH.with_name(CREDENTIAL)
"""Where systemd takes the credential from: what a command outside of the service reads, as root."""
MAX_TOKEN: Final = 512
"""Characters of an access token; Mercado Pago's have about 75."""


class Secret:
    """A text that must not be shown (law L10): ``str`` and ``repr`` of it are stars; ``reveal()`` is the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one header that carries it."""
        return self._text

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Config:
    """Everything in force."""

    shop: Shop
    mercadopago: MercadoPagoConfig
    keypad: KeypadConfig = KeypadConfig()
    display: DisplayConfig = DisplayConfig()
    printer: PrinterConfig = PrinterConfig()
    sound: SoundConfig = SoundConfig()
    notifications_listen: str = NotificationsTable().listen
    journal: Path = JournalTable().path
    supervisors: str = RefundsTable().supervisors
    """A file name; empty: none."""


def load(path: Path) -> Config:
    """The configuration of that file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds mistakes; each has a line of its own that names the
            file, the table and the key, what is there and what is allowed.
    """
    file = TomlFile(path)
    shop, provider = file.read("shop", ShopTable), file.read("mercadopago", MercadoPagoConfig)
    sale, keypad = file.read("sale", SaleTable), file.read("keypad", KeypadConfig)
    display, printer = file.read("display", DisplayConfig), file.read("printer", PrinterConfig)
    sound, notifications = file.read("sound", SoundConfig), file.read("notifications", NotificationsTable)
    journal, refunds = file.read("journal", JournalTable), file.read("refunds", RefundsTable)
    zone = shop_zone(file, shop)
    minimum, maximum, confirm_above = amounts(file, shop, sale)
    fixed = presets(file, shop, sale, maximum)
    check_keypad(file, keypad)
    check_pins(file, keypad, display, sound)
    check_printer(file, printer)
    check_display(file, display)
    file.finish()
    site = SITES[shop.site]
    return Config(
        Shop(
            name=shop.name,
            header=shop.lines,
            footer=shop.footer,
            site=site,
            language=shop.language or site.language,
            zone=zone,
            collector=provider.user_id,
            pos_id=provider.external_pos_id,
            title=sale.title or shop.name,
            minimum=minimum,
            maximum=maximum,
            confirm_above=confirm_above,
            wait_s=sale.wait_seconds,
            presets=fixed,
            printer=printer.driver != "none",
            printer_required=printer.required,
            display_required=display.required,
            roll_m=printer.roll_m if printer.driver != "none" else 0,
            # Only a stand-in for the provider answers on this machine itself.
            training=is_loopback(urlsplit(provider.base_url).hostname or ""),
        ),
        provider,
        keypad,
        display,
        printer,
        sound,
        notifications.listen,
        journal.path,
        refunds.supervisors,
    )


@dataclass(frozen=True, slots=True)
class PanelConfig:
    """What a picture on the panel needs, and nothing else of the file."""

    display: DisplayConfig
    pins: str
    """``[keypad] pins``: who drives the control lines of an SPI panel."""
    language: str
    journal: Path
    """Beside it a kiosk that runs can be asked."""


def load_panel(path: Path) -> PanelConfig:
    """The panel of a file that may hold mistakes elsewhere: one that can be reached should say that there are some.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or ``[display]`` itself is wrong.
    """
    file = TomlFile(path)
    display, keypad = file.read("display", DisplayConfig), file.read("keypad", KeypadConfig)
    shop, journal = file.read("shop", ShopTable), file.read("journal", JournalTable)
    if not file.good("display", *(field.name for field in fields(DisplayConfig))):
        raise ConfigError((f"{path}: [display] is wrong",))
    country = SITES.get(shop.site)
    language = shop.language or (country.language if country else "en")
    return PanelConfig(display, keypad.pins, language, journal.path)


def masked(config: Config) -> str:
    """Everything in force as TOML, defaults written out; ``load`` reads it back. No secret can stand in it.

    The access token never comes into a ``Config``; the one key that may carry a secret is the query of the notification
    address, which is masked.
    """
    shop, money = config.shop, config.shop.site.currency
    provider = asdict(config.mercadopago)
    address, mark, _ = config.mercadopago.notification_url.partition("?")
    provider["notification_url"] = address + (mark and "?********")
    amounts = {"minimum": shop.minimum, "maximum": shop.maximum, "confirm_above": shop.confirm_above}
    tables: dict[str, dict[str, object]] = {
        "shop": asdict(
            ShopTable(
                shop.name, shop.site.id, shop.header, shop.footer, shop.language, getattr(shop.zone, "key", None) or ""
            )
        ),
        "mercadopago": provider,
        "sale": {
            "title": shop.title,
            "presets": tuple(f"{money.decimal_value(each.cents)} {each.title}" for each in shop.presets),
            **{key: str(money.decimal_value(cents)) for key, cents in amounts.items()},
            "wait_seconds": shop.wait_s,
        },
        "refunds": {"supervisors": config.supervisors},
        "keypad": asdict(config.keypad),
        "display": asdict(config.display),
        "printer": asdict(config.printer),
        "sound": asdict(config.sound),
        "notifications": {"listen": config.notifications_listen},
        "journal": {"path": config.journal},
    }
    return "\n".join(write_table(name, values) for name, values in tables.items())


def load_token(config: Config, environ: Mapping[str, str] = os.environ, stored: Path = STORED_TOKEN) -> Secret:
    """The access token, from ``access_token_file``, the systemd credential, or the file that the credential is made of;
    white space around it does not count.

    Raises:
        ConfigError: there is none, or what is there cannot be one. The text never holds what was read.
    """
    path = _token_path(config, environ, stored)
    try:
        token = path.read_bytes().decode("ascii", "replace")
    except OSError as error:
        raise ConfigError((f"{path}: the access token cannot be read: {error.strerror}",)) from None
    return read_token(token, str(path))


def read_token(text: str, where: str) -> Secret:
    """The access token that is this text; white space around it does not count.

    Raises:
        ConfigError: it cannot be one. The error names ``where`` it came from, and never the text.
    """
    token = text.strip()
    # It becomes a part of an HTTP header: visible ASCII characters, no spaces (RFC 6750, 2.1).
    if not re.fullmatch(rf"[!-~]{{1,{MAX_TOKEN}}}", token):
        state = "is empty" if not token else "holds something else"
        raise ConfigError((f"{where}: {state}; it must hold the access token alone, on one line",))
    return Secret(token)


def token_warning(config: Config, environ: Mapping[str, str] = os.environ, stored: Path = STORED_TOKEN) -> str:
    """What to do where every user of the machine can read the access token; empty where all is well.

    A warning and no error: a wrong mode must not stop the shop from selling, and the file is readable anyway.
    """
    path = _token_path(config, environ, stored)
    try:
        open_to_all = bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # what is wrong with it, load_token tells
        open_to_all = False
    return f"{path}: every user of this machine can read the access token; type: chmod o= {path}" if open_to_all else ""


def _token_path(config: Config, environ: Mapping[str, str], stored: Path) -> Path:
    if config.mercadopago.access_token_file:
        return Path(config.mercadopago.access_token_file)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) / CREDENTIAL if folder else stored
