"""What one key of ``kiosk.toml`` says about another, and what an empty one stands for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.config.schema import DisplayConfig, KeypadConfig, PrinterConfig, SaleTable, ShopTable, SoundConfig
from kiosk.config.toml_tables import TomlFile
from kiosk.sale.money import MAX_DIGITS, SITES, Currency
from kiosk.sale.shop import PRESETS_MAX, Preset

NEEDED_KEYS: Final = "0123456789*#"
I2C_PINS: Final = (2, 3)
"""GPIO 2 and 3: SDA and SCL of I2C bus 1, with pull-up resistors on the board."""
SPI_PINS: Final = (7, 8, 9, 10, 11)
"""GPIO 7 to 11: CE1, CE0, MISO, MOSI and SCLK of SPI bus 0."""

# For each country the smallest amount, the largest, and the one above which the cashier confirms twice. The smallest
# is about the least that Mercado Pago's means of payment take there ("GET /v1/payment_methods", min_allowed_amount);
# the other two only stop a slip of the finger, and a shop sets its own.
LIMITS: Final[Mapping[str, tuple[str, str, str]]] = {
    "MLA": ("1.00", "5000000.00", "500000.00"),
    "MLB": ("1.00", "10000.00", "1000.00"),
    "MLM": ("5.00", "50000.00", "5000.00"),
    "MLC": ("10", "2000000", "200000"),
    "MCO": ("1000", "9000000", "900000"),
    "MLU": ("5.00", "100000.00", "10000.00"),
    "MPE": ("5.00", "10000.00", "1000.00"),
}


def machine_zone(environ: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")) -> tzinfo:
    """The zone of the machine's own clock, with its changes to summer time.

    Python itself tells only today's offset (``datetime.astimezone``), which is wrong after the next change. So the zone
    is found as libc finds it: ``TZ`` (tzset(3)), then ``/etc/localtime``, whose link names it (localtime(5)) and which
    is read as it is where it is a copy; without either it is UTC.
    """
    linked = localtime.resolve().as_posix().rpartition("/zoneinfo/")[2]
    for name in (environ.get("TZ", "").removeprefix(":"), linked):
        zone = _named_zone(name)
        if zone is not None:
            return zone
    try:
        with localtime.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC


def shop_zone(file: TomlFile, shop: ShopTable) -> tzinfo:
    """The zone of the tickets."""
    zone = _named_zone(shop.timezone) if shop.timezone else machine_zone()
    if zone is None:
        file.wrong("shop", "timezone", 'a name of the IANA list, such as "America/Sao_Paulo" (or "": the machine\'s)')
    return zone or UTC


def amounts(file: TomlFile, shop: ShopTable, sale: SaleTable) -> tuple[int, int, int]:
    """Minimum, maximum and ``confirm_above`` in minor units; what was left empty is the country's."""
    money = SITES.get(shop.site, SITES["MLB"]).currency
    defaults = [money.parse(text) for text in LIMITS.get(shop.site, LIMITS["MLB"])]
    minimum = _amount(file, "minimum", sale.minimum, money, defaults[0])
    maximum = _amount(file, "maximum", sale.maximum, money, defaults[1])
    # Only the country's own value moves into the limits that the shop set; what the shop wrote is its word.
    usual = max(minimum, min(defaults[2], maximum))
    confirm_above = _amount(file, "confirm_above", sale.confirm_above, money, usual)
    if not file.good("sale", "minimum", "maximum"):
        return minimum, maximum, confirm_above
    if minimum > maximum and sale.maximum:
        file.wrong("sale", "maximum", f"at least the minimum, {money.text(minimum)}")
    elif minimum > maximum:
        file.wrong("sale", "minimum", f"at most the maximum, which is {money.text(maximum)} where none is given")
    elif file.good("sale", "confirm_above") and not minimum <= confirm_above <= maximum:
        limits = f"from the minimum, {money.text(minimum)}, to the maximum, {money.text(maximum)}"
        file.wrong("sale", "confirm_above", limits)
    return minimum, maximum, confirm_above


def presets(file: TomlFile, shop: ShopTable, sale: SaleTable, maximum: int) -> tuple[Preset, ...]:
    """What is sold at a fixed price, in the order of its digits."""
    if not file.good("sale", "presets"):
        return ()
    money = SITES.get(shop.site, SITES["MLB"]).currency
    found: list[Preset] = []
    for price, _, title in (each.partition(" ") for each in sale.presets):
        try:
            found.append(Preset(title, money.parse(price)))
        except ValueError:
            found.append(Preset(title, 0))
    if len(found) > PRESETS_MAX:
        file.wrong("sale", "presets", f"a list of at most {PRESETS_MAX}: each is chosen with one digit")
    elif not all(0 < preset.cents <= maximum for preset in found):
        decimals = f"at most {money.decimals} decimals" if money.decimals else "no decimals"
        words = f"prices in {money.code} with {decimals}, above 0, at most the maximum, {money.text(maximum)}"
        file.wrong("sale", "presets", words)
    return tuple(found)


def check_keypad(file: TomlFile, keypad: KeypadConfig) -> None:
    """The keys lie on the wires, and none that a sale needs is missing."""
    if keypad.driver != "matrix" or not file.good("keypad", "rows", "columns", "keys"):
        return
    rows, columns = len(keypad.rows), len(keypad.columns)
    if len(keypad.keys) != rows or any(len(row) != columns for row in keypad.keys):
        file.wrong(
            "keypad", "keys", f"{rows} texts of {columns} keys each, since there are {rows} rows and {columns} columns"
        )
        return
    count = Counter("".join(keypad.keys))
    missing = [key for key in NEEDED_KEYS if key not in count]
    if missing:
        file.wrong("keypad", "keys", f"such that every key of {NEEDED_KEYS} is there; missing: {' '.join(missing)}")
    twice = [key for key, times in count.items() if times > 1]
    if twice:
        file.wrong("keypad", "keys", f"such that no key is there twice; twice: {' '.join(twice)}")


def check_pins(file: TomlFile, keypad: KeypadConfig, display: DisplayConfig, sound: SoundConfig) -> None:
    """No GPIO does two things."""
    taken = _bus_pins(display)
    for table, key, pin in _pins(keypad, display, sound):
        if not file.good(table, key):
            continue
        if pin in taken:
            file.wrong(table, key, f"on its own: GPIO {pin} is used by {taken[pin]}")
        else:
            taken[pin] = f"[{table}] {key}"


def check_printer(file: TomlFile, printer: PrinterConfig) -> None:
    """The driver knows where its printer is."""
    if printer.driver == "network" and file.good("printer", "host") and not printer.host:
        file.wrong("printer", "host", 'the host name or IP address of the printer, since driver is "network"')
    if printer.driver in ("serial", "file") and file.good("printer", "device") and not printer.device:
        file.wrong("printer", "device", f'the printer\'s device file, since driver is "{printer.driver}"')
    if (printer.vendor_id is None) != (printer.product_id is None) and file.good("printer", "vendor_id", "product_id"):
        lacking = "vendor_id" if printer.vendor_id is None else "product_id"
        file.wrong("printer", lacking, "given, since the other of vendor_id and product_id is")
    if printer.required and printer.driver == "none":
        file.wrong("printer", "required", 'false, since driver is "none"')


def check_display(file: TomlFile, display: DisplayConfig) -> None:
    """Nobody waits for a panel that there is none of."""
    if display.required and display.driver == "none":
        file.wrong("display", "required", 'false, since driver is "none"')


def _named_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not known; no possible name; a folder, such as "America"
        return None


def _amount(file: TomlFile, key: str, written: str, money: Currency, default: int) -> int:
    if not written:
        return default
    largest = 10**MAX_DIGITS - 1
    try:
        cents = money.parse(written)
    except ValueError:
        cents = 0
    if not 0 < cents <= largest:
        example, most = money.decimal_value(100 * 10**money.decimals), money.decimal_value(largest)
        file.wrong(
            "sale", key, f'an amount in {money.code} with a decimal point, such as "{example}", above 0, at most {most}'
        )
        return default
    return cents


def _bus_pins(display: DisplayConfig) -> dict[int, str]:
    if display.driver == "none":
        return {}
    if display.interface == "spi":
        return dict.fromkeys(SPI_PINS, "the display's SPI bus")
    return dict.fromkeys(I2C_PINS if display.port == 1 else (), "the display's I2C bus")


def _pins(keypad: KeypadConfig, display: DisplayConfig, sound: SoundConfig) -> Iterator[tuple[str, str, int]]:
    """Table, key and number of each GPIO in use."""
    if keypad.driver == "matrix":
        yield from (("keypad", "rows", pin) for pin in keypad.rows)
        yield from (("keypad", "columns", pin) for pin in keypad.columns)
    if display.driver != "none" and display.interface == "spi":
        yield from (("display", "dc", display.dc), ("display", "reset", display.reset))
    for key, pin in (("buzzer", sound.buzzer), ("led_paid", sound.led_paid), ("led_error", sound.led_error)):
        if pin is not None:
            yield "sound", key, pin
