"""What may stand in ``kiosk.toml``: one dataclass for each table, one field for each key (see ``toml_tables``).

What a technician must know about each key stands in ``config/kiosk.toml``, which a test holds against this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from kiosk.config.addresses import is_host, is_web_address, listen_address
from kiosk.config.toml_tables import Rule, between, file_name, matching, one_of, text
from kiosk.sale.money import SITES
from kiosk.sale.words import LANGUAGES

CREDENTIAL: Final = "mercadopago-token"
"""The systemd credential that may hold the access token (systemd.exec(5), ``LoadCredential=``)."""

# What luma.oled.device offers. A list, since importing luma to check a name would cost the commands that draw nothing;
# a test compares the two.
DISPLAYS: Final = (
    *("ssd1305", "ssd1306", "ssd1309", "ssd1315", "ssd1316", "ssd1322", "ssd1322_nhd", "ssd1325", "ssd1327", "ssd1331"),
    *("ssd1351", "ssd1362", "ssd1363", "sh1106", "sh1107", "ch1115"),  # the rest of luma's hang on parallel lines
)
# The speeds that luma.core.interface.serial.spi takes, in Hz; any other is an AssertionError there.
SPI_SPEEDS: Final = (500_000, *(mhz * 1_000_000 for mhz in (1, 2, 4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 50, 52)))
# The pages with the letters of Portuguese or Spanish, by python-escpos' names.
CODE_PAGES: Final = ("CP437", "CP850", "CP858", "CP860", "CP1252", "ISO_8859-15")

_URL: Final = "https://... (http only to this machine itself), no user, no password, no #"
# GPIO 0 and 1 belong to the identity chip of a HAT (Raspberry Pi HAT specification): 0 is free to mean "not there".
Pin = Annotated[int, between(2, 27)]
OptionalPin = Annotated[int | None, Rule("a GPIO from 2 to 27, or 0 for none", between(2, 27).allows)]
Pins = Annotated[tuple[int, ...], between(2, 27)]
KeyRows = Annotated[tuple[str, ...], matching("[0-9*#A-D]+", "a row of keys out of 0123456789*#ABCD")]
Lines = Annotated[tuple[str, ...], text(0, 100)]
Amount = Annotated[str, text(0, 20)]
Presets = Annotated[
    tuple[str, ...],
    Rule(
        'a price with a decimal point, a blank, and a title of 1 to 20 characters: "4.50 Coffee"',
        lambda value: value.isprintable() and re.fullmatch(r"[0-9]+(\.[0-9]+)? \S(.{0,18}\S)?", value) is not None,
    ),
]
Seconds = Annotated[int, between(0, 86_400)]
Device = Annotated[str, file_name(empty="none")]
UsbId = Annotated[int | None, Rule("a USB number from 1 to 0xFFFF, or 0 for any", between(1, 0xFFFF).allows)]


def _own_id(longest: int, what: str) -> Rule:
    """An ``external_id``, which the shop chose itself (Mercado Pago: letters and digits only).

    Digits alone are refused: nearly always they are Mercado Pago's own number of the thing, copied from its panel, and
    every order would then fail with "not found".
    """
    return matching(
        rf"(?=.*[A-Za-z])[A-Za-z0-9]{{1,{longest}}}",
        f"1 to {longest} letters and digits, at least one of them a letter: the external_id that you gave the {what},"
        " not the number that Mercado Pago gave it",
    )


API: Final = "https://api.mercadopago.com"
STORE_ID: Final = _own_id(60, "store")
POS_ID: Final = _own_id(40, "point of sale")


def _is_base_url(url: str) -> bool:
    return is_web_address(url) and "?" not in url


BASE_URL: Final = Rule(_URL + ", no ?", _is_base_url)


def _is_notification_url(url: str) -> bool:
    return not url or (is_web_address(url) and len(url) <= 500)  # 500: Mercado Pago's own limit for notification_url


def _is_printer_host(host: str) -> bool:
    return not host or is_host(host)


def _is_listen(address: str) -> bool:
    try:
        return not address or bool(listen_address(address))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class ShopTable:
    """Table ``[shop]`` as written. Together with ``[sale]`` it becomes the ``Shop``."""

    name: Annotated[str, text(1, 100)]
    site: Annotated[str, one_of(*SITES)]
    lines: Lines = ()
    footer: Lines = ()
    language: Annotated[str, one_of("", *LANGUAGES)] = ""
    """Empty: the country's."""
    timezone: Annotated[str, text(0, 60)] = ""
    """Empty: the machine's."""


@dataclass(frozen=True, slots=True)
class SaleTable:
    """Table ``[sale]`` as written; an empty amount is the country's in ``LIMITS``."""

    # Mercado Pago takes 256 characters; its app shows far fewer.
    title: Annotated[str, text(0, 150)] = ""
    """Empty: the shop's name."""
    presets: Presets = ()
    minimum: Amount = ""
    maximum: Amount = ""
    confirm_above: Amount = ""
    # An order lives for 600 s at most, and 60 s of them are kept for the clock and the withdrawal.
    wait_seconds: Annotated[int, between(10, 540)] = 180


@dataclass(frozen=True, slots=True)
class RefundsTable:
    """Table ``[refunds]``."""

    supervisors: Annotated[str, file_name(empty="no refunds at the keypad")] = "/etc/kiosk/supervisors"
    """Who they are, and their PINs (``kiosk.supervisors``); there need not be such a file."""


@dataclass(frozen=True, slots=True)
class MercadoPagoConfig:
    """Table ``[mercadopago]``."""

    user_id: Annotated[int, between(1, 10**15)]
    external_store_id: Annotated[str, STORE_ID]
    external_pos_id: Annotated[str, POS_ID]
    base_url: Annotated[str, BASE_URL] = API
    access_token_file: Annotated[str, file_name(empty=f"the systemd credential {CREDENTIAL}")] = ""
    """Empty: the systemd credential ``mercadopago-token``."""
    notification_url: Annotated[str, Rule(f'{_URL}, at most 500 characters (or "": none)', _is_notification_url)] = ""


@dataclass(frozen=True, slots=True)
class KeypadConfig:
    """Table ``[keypad]``; pins are BCM numbers."""

    driver: Annotated[str, one_of("matrix", "usb", "none")] = "matrix"
    pins: Annotated[str, one_of("gpiod", "lgpio")] = "gpiod"
    rows: Pins = (5, 6, 13, 19)
    columns: Pins = (12, 16, 20, 21)
    keys: KeyRows = ("123A", "456B", "789C", "*0#D")
    device: Device = ""
    """USB only; empty: the first keypad found."""


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """Table ``[display]``."""

    driver: Annotated[str, one_of("none", *DISPLAYS)] = "ssd1306"
    interface: Annotated[str, one_of("i2c", "spi")] = "i2c"
    port: Annotated[int, between(0, 31)] = 1
    address: Annotated[int, between(0x08, 0x77)] = 0x3C
    width: Annotated[int, between(32, 512)] = 128
    height: Annotated[int, between(16, 512)] = 64
    rotate: Annotated[int, between(0, 3)] = 0
    """Quarter turns, clockwise."""
    dc: Pin = 24
    reset: Pin = 25
    speed: Annotated[int, one_of(*SPI_SPEEDS)] = 8_000_000
    """SPI clock in Hz."""
    dim_after: Seconds = 120
    """Seconds without a change of screen; 0: never."""
    blank_after: Seconds = 0
    """The same, until the panel is dark."""
    required: bool = False


@dataclass(frozen=True, slots=True)
class PrinterConfig:
    """Table ``[printer]``."""

    driver: Annotated[str, one_of("usb", "serial", "network", "file", "none")] = "usb"
    profile: Annotated[str, text(1, 40)] = "default"
    columns: Annotated[int, between(24, 80)] = 42
    code_page: Annotated[str, one_of(*CODE_PAGES)] = "CP858"
    host: Annotated[str, Rule("a host name or an IP address alone", _is_printer_host)] = ""
    port: Annotated[int, between(1, 65535)] = 9100
    device: Device = ""
    baud: Annotated[int, one_of(1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)] = 9600
    vendor_id: UsbId = None
    product_id: UsbId = None
    roll_m: Annotated[int, between(0, 500)] = 0
    """How long a new roll is, in metres; 0: not known."""
    required: bool = False
    logo: Device = ""
    qr: bool = False
    cut: bool = True
    drawer: bool = False
    merchant_copy: bool = False


@dataclass(frozen=True, slots=True)
class SoundConfig:
    """Table ``[sound]``; BCM numbers, None: not there."""

    buzzer: OptionalPin = None
    led_paid: OptionalPin = None
    led_error: OptionalPin = None


@dataclass(frozen=True, slots=True)
class NotificationsTable:
    """Table ``[notifications]``."""

    listen: Annotated[str, Rule('HOST:PORT, such as 127.0.0.1:8080 (or "": off)', _is_listen)] = ""


@dataclass(frozen=True, slots=True)
class JournalTable:
    """Table ``[journal]``."""

    path: Annotated[Path, file_name()] = Path("/var/lib/kiosk/journal.db")
