"""One key against another, and what an empty one stands for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.config import Config, ConfigError, load
from kiosk.config.checks import LIMITS, machine_zone
from kiosk.sale.money import SITES
from kiosk.sale.shop import Preset

NEEDED = """
[shop]
name = "Padaria"
site = "MLB"
[mercadopago]
user_id = 1
external_store_id = "STORE1"
external_pos_id = "POS1"
"""


def config(tmp_path: Path, more: str = "", site: str = "MLB") -> Config:
    """The configuration with these lines after the needed ones."""
    path = tmp_path / "kiosk.toml"
    path.write_text(NEEDED.replace("MLB", site) + more, encoding="utf-8")
    return load(path)


def error(tmp_path: Path, more: str) -> str:
    """The one message that these lines earn."""
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, more)
    (message,) = caught.value.errors
    return message.removeprefix(f"{tmp_path / 'kiosk.toml'}: ")


# Amounts.


@pytest.mark.parametrize("site", SITES)
def test_every_country_has_usual_limits_in_order(tmp_path: Path, site: str) -> None:
    shop = config(tmp_path, site=site).shop
    assert [shop.minimum, shop.maximum, shop.confirm_above] == [shop.site.currency.parse(t) for t in LIMITS[site]]
    assert 0 < shop.minimum < shop.confirm_above < shop.maximum < 10**9


def test_a_shop_sets_its_own_limits(tmp_path: Path) -> None:
    shop = config(tmp_path, '[sale]\nminimum = "0.50"\nmaximum = "300"\nconfirm_above = "99.9"\n').shop
    assert (shop.minimum, shop.maximum, shop.confirm_above) == (50, 300_00, 99_90)


def test_limits_may_be_equal(tmp_path: Path) -> None:
    shop = config(tmp_path, '[sale]\nminimum = "5"\nmaximum = "5"\nconfirm_above = "5"\n').shop
    assert (shop.minimum, shop.maximum, shop.confirm_above) == (500, 500, 500)


def test_the_usual_confirmation_moves_into_the_shops_limits(tmp_path: Path) -> None:
    assert config(tmp_path, '[sale]\nmaximum = "200"\n').shop.confirm_above == 200_00
    assert config(tmp_path, '[sale]\nminimum = "2000"\n').shop.confirm_above == 2000_00


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('minimum = "2"\nmaximum = "1"', '[sale] maximum = "1": must be at least the minimum, 2,00'),
        ('minimum = "10001"', '[sale] minimum = "10001": must be at most the maximum, which is 10.000,00'),
        (
            'confirm_above = "0.99"',
            '[sale] confirm_above = "0.99": must be from the minimum, 1,00, to the maximum, 10.000,00',
        ),
        ('confirm_above = "10000.01"', '[sale] confirm_above = "10000.01": must be from the minimum'),
    ],
)
def test_limits_stand_in_order(tmp_path: Path, lines: str, message: str) -> None:
    assert error(tmp_path, f"[sale]\n{lines}\n").startswith(message)


@pytest.mark.parametrize("text", ["0", "0.00", "-1", "1,00", "1.005", "NaN", "Infinity", "1e12", "x", "10000000.00"])
@pytest.mark.parametrize("key", ["minimum", "maximum", "confirm_above"])
def test_what_is_no_amount(tmp_path: Path, key: str, text: str) -> None:
    assert error(tmp_path, f'[sale]\n{key} = "{text}"\n') == (
        f'[sale] {key} = "{text}": must be an amount in BRL with a decimal point, such as "100.00", above 0,'
        " at most 9999999.99"
    )


def test_the_largest_amount_that_can_be_typed(tmp_path: Path) -> None:
    assert config(tmp_path, '[sale]\nmaximum = "9999999.99"\n').shop.maximum == 999_999_999


def test_a_currency_without_cents(tmp_path: Path) -> None:
    assert config(tmp_path, '[sale]\nminimum = "500"\n', site="MLC").shop.minimum == 500
    with pytest.raises(
        ConfigError, match='an amount in CLP with a decimal point, such as "100", above 0, at most 999999999'
    ):
        config(tmp_path, '[sale]\nminimum = "500.50"\n', site="MLC")


# Keypad.


def test_what_has_a_fixed_price(tmp_path: Path) -> None:
    shop = config(tmp_path, '[sale]\npresets = ["4.50 Café", "0.9 Pão", "10000 Bolo de 9 andares"]').shop
    assert shop.presets == (Preset("Café", 450), Preset("Pão", 90), Preset("Bolo de 9 andares", 1_000_000))
    assert len(config(tmp_path, f"[sale]\npresets = {['1 x'] * 9}").shop.presets) == 9


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("presets = ['0.00 x']", "above 0"),
        ("presets = ['1 x', '0.001 x']", "at most 2 decimals"),
        ("presets = ['10000.01 x']", "at most the maximum, 10.000,00"),
        ("maximum = '5'\npresets = ['5.01 x']", "at most the maximum, 5,00"),
        (f"presets = {['1 x'] * 10}", "at most 9: each is chosen with one digit"),
    ],
)
def test_what_is_no_fixed_price(tmp_path: Path, lines: str, message: str) -> None:
    told = error(tmp_path, f"[sale]\n{lines}")
    assert "[sale] presets" in told
    assert message in told


def test_a_keypad_of_three_columns(tmp_path: Path) -> None:
    keypad = config(tmp_path, '[keypad]\ncolumns = [12, 16, 20]\nkeys = ["123", "456", "789", "*0#"]\n').keypad
    assert keypad.keys == ("123", "456", "789", "*0#")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("rows = [5, 6, 13]", "[keypad] keys is not given: must be 3 texts of 4 keys each"),
        ('keys = ["123", "456", "789", "*0#"]', "must be 4 texts of 4 keys each, since there are 4 rows and 4 columns"),
        ('keys = ["123A", "456B", "789C", "*0D"]', "must be 4 texts of 4 keys each"),
        (
            'keys = ["123A", "456B", "78CC", "*0AD"]',
            "must be such that every key of 0123456789*# is there; missing: 9 #",
        ),
        ('keys = ["123A", "456B", "789A", "*0#D"]', "must be such that no key is there twice; twice: A"),
    ],
)
def test_keys_lie_on_the_wires(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, f"[keypad]\n{lines}\n")
    assert message in caught.value.errors[0]


def test_only_a_matrix_has_wires(tmp_path: Path) -> None:
    assert config(tmp_path, '[keypad]\ndriver = "usb"\nrows = [5]\n').keypad.rows == (5,)


# Pins.


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "[keypad]\nrows = [5, 6, 13, 5]",
            "[keypad] rows = [5, 6, 13, 5]: must be on its own: GPIO 5 is used by [keypad] rows",
        ),
        (
            "[keypad]\nrows = [5, 6, 13, 12]",
            "[keypad] columns is not given: must be on its own: GPIO 12 is used by [keypad] rows",
        ),
        ("[keypad]\nrows = [2, 6, 13, 19]", "GPIO 2 is used by the display's I2C bus"),
        ("[sound]\nbuzzer = 3", "[sound] buzzer = 3: must be on its own: GPIO 3 is used by the display's I2C bus"),
        ("[sound]\nbuzzer = 21", "GPIO 21 is used by [keypad] columns"),
        (
            "[sound]\nbuzzer = 18\nled_paid = 18",
            "[sound] led_paid = 18: must be on its own: GPIO 18 is used by [sound] buzzer",
        ),
        ('[display]\ninterface = "spi"\ndc = 25', "[display] reset is not given: must be on its own: GPIO 25"),
        ('[display]\ninterface = "spi"\ndc = 10', "GPIO 10 is used by the display's SPI bus"),
        ('[display]\ninterface = "spi"\n[sound]\nled_error = 24', "GPIO 24 is used by [display] dc"),
    ],
)
def test_no_gpio_does_two_things(tmp_path: Path, lines: str, message: str) -> None:
    assert message in error(tmp_path, lines + "\n")


@pytest.mark.parametrize(
    "lines",
    [
        "[sound]\nbuzzer = 18\nled_paid = 23\nled_error = 22",
        "[sound]\nbuzzer = 24",  # the display's D/C, but it is on I2C
        '[display]\ndriver = "none"\n[keypad]\nrows = [2, 3, 13, 19]',
        '[display]\ninterface = "spi"\n[keypad]\nrows = [2, 3, 13, 19]',
        "[display]\nport = 3\n[keypad]\nrows = [2, 3, 13, 19]",
        '[keypad]\ndriver = "usb"\n[sound]\nbuzzer = 5',
    ],
)
def test_pins_that_nobody_else_uses(tmp_path: Path, lines: str) -> None:
    assert config(tmp_path, lines + "\n")


# Printer.


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            'driver = "network"',
            "[printer] host is not given: must be the host name or IP address of the printer, since driver is",
        ),
        ('driver = "network"\nhost = ""', '[printer] host = "": must be the host name'),
        (
            'driver = "serial"',
            '[printer] device is not given: must be the printer\'s device file, since driver is "serial"',
        ),
        (
            'driver = "file"',
            '[printer] device is not given: must be the printer\'s device file, since driver is "file"',
        ),
        ("vendor_id = 0x04b8", "[printer] product_id is not given: must be given, since"),
        ("product_id = 0x0202", "[printer] vendor_id is not given: must be given, since"),
        ('driver = "none"\nrequired = true', '[printer] required = true: must be false, since driver is "none"'),
    ],
)
def test_a_driver_knows_its_printer(tmp_path: Path, lines: str, message: str) -> None:
    assert error(tmp_path, f"[printer]\n{lines}\n").startswith(message)


@pytest.mark.parametrize(
    "lines",
    [
        'driver = "network"\nhost = "10.0.0.9"',
        'driver = "serial"\ndevice = "/dev/serial0"',
        'driver = "file"\ndevice = "/dev/usb/lp0"',
        "vendor_id = 0x04b8\nproduct_id = 0x0202",
        "required = true",
    ],
)
def test_a_printer_that_can_be_found(tmp_path: Path, lines: str) -> None:
    assert config(tmp_path, f"[printer]\n{lines}\n").shop.printer


# Display.


def test_a_display_that_is_not_there_cannot_be_required(tmp_path: Path) -> None:
    message = '[display] required = true: must be false, since driver is "none"'
    assert error(tmp_path, '[display]\ndriver = "none"\nrequired = true\n').startswith(message)
    assert config(tmp_path, "[display]\nrequired = true\n").shop.display_required
    assert not config(tmp_path, '[display]\ndriver = "none"\n').shop.display_required


# Time zone.


def test_the_shops_zone(tmp_path: Path) -> None:
    written = NEEDED.replace('site = "MLB"', 'site = "MLB"\ntimezone = "America/Sao_Paulo"')
    (tmp_path / "kiosk.toml").write_text(written, encoding="utf-8")
    assert load(tmp_path / "kiosk.toml").shop.zone == ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize("name", ["America", "Sao_Paulo", "../../etc/passwd", "/etc/localtime", "BRT3"])
def test_what_is_no_zone(tmp_path: Path, name: str) -> None:
    (tmp_path / "kiosk.toml").write_text(NEEDED.replace('site = "MLB"', f'site = "MLB"\ntimezone = "{name}"'))
    with pytest.raises(ConfigError, match=r"\[shop\] timezone = .* must be a name of the IANA list"):
        load(tmp_path / "kiosk.toml")


def test_the_machines_zone_is_the_one_that_localtime_links_to(tmp_path: Path) -> None:
    zones = tmp_path / "usr/share/zoneinfo/America"
    zones.mkdir(parents=True)
    (zones / "Lima").touch()
    (tmp_path / "localtime").symlink_to(zones / "Lima")
    assert machine_zone({}, tmp_path / "localtime") == ZoneInfo("America/Lima")


@pytest.mark.parametrize("name", ["America/Bogota", ":America/Bogota"])
def test_tz_goes_before_the_link(tmp_path: Path, name: str) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/America/Lima")
    assert machine_zone({"TZ": name}, tmp_path / "localtime") == ZoneInfo("America/Bogota")
    assert machine_zone({"TZ": "BRT3"}, tmp_path / "localtime") == ZoneInfo("America/Lima")


def test_a_copy_of_a_zone_keeps_its_summer_time(tmp_path: Path) -> None:
    """A fixed offset would be wrong for half of the year."""
    santiago = Path("/usr/share/zoneinfo/America/Santiago").read_bytes()
    (tmp_path / "localtime").write_bytes(santiago)
    zone = machine_zone({}, tmp_path / "localtime")
    offsets = {datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in (1, 7)}
    assert len(offsets) == 2


def test_without_any_zone_it_is_utc(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"no zone")
    for path in (tmp_path / "none", tmp_path / "broken"):
        assert machine_zone({}, path) is UTC
