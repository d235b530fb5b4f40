"""The tables of ``kiosk.toml``: each rule's edges, and the lists that must agree with the libraries behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from escpos.capabilities import get_profile
from luma.core import cmdline
from luma.core.interface import serial

from kiosk.config import schema
from kiosk.config.toml_tables import ConfigError, TomlFile, write_table

TABLES: dict[str, Any] = {
    "shop": schema.ShopTable,
    "mercadopago": schema.MercadoPagoConfig,
    "sale": schema.SaleTable,
    "refunds": schema.RefundsTable,
    "keypad": schema.KeypadConfig,
    "display": schema.DisplayConfig,
    "printer": schema.PrinterConfig,
    "sound": schema.SoundConfig,
    "notifications": schema.NotificationsTable,
    "journal": schema.JournalTable,
}
NEEDED: dict[str, dict[str, object]] = {
    "shop": {"name": "a", "site": "MLB"},
    "mercadopago": {"user_id": 1, "external_store_id": "a", "external_pos_id": "a"},
}


def read(tmp_path: Path, table: str, key: str, value: object) -> Any:
    """The table with that value; raises ConfigError."""
    path = tmp_path / "kiosk.toml"
    path.write_text(write_table(table, NEEDED.get(table, {}) | {key: value}), encoding="utf-8")
    file = TomlFile(path)
    values = file.read(table, TABLES[table])
    file.finish()
    return getattr(values, key)


@pytest.mark.parametrize(
    ("table", "key", "values"),
    [
        ("shop", "name", ["x", "x" * 100]),
        ("shop", "site", ["MLA", "MLB", "MLC", "MCO", "MLM", "MLU", "MPE"]),
        ("shop", "lines", [(), ("",), ("x" * 100,) * 20]),
        ("shop", "language", ["", "pt", "es", "en"]),
        ("mercadopago", "user_id", [1, 10**15]),
        ("mercadopago", "external_store_id", ["STORE01", "a" * 60]),
        ("mercadopago", "external_pos_id", ["POS1", "1a", "a" * 40]),
        ("mercadopago", "base_url", ["https://api.mercadopago.com", "http://127.0.0.1:1234"]),
        ("mercadopago", "access_token_file", ["", "/run/token"]),
        ("mercadopago", "notification_url", ["", "https://a.example/n?x=1", "https://a.example/" + "n" * 482]),
        ("sale", "title", ["", "x" * 150]),
        ("sale", "presets", [(), ("4.50 Café",), ("1 " + "x" * 20, "0.01 ab c")]),
        ("sale", "wait_seconds", [10, 540]),
        ("refunds", "supervisors", ["", "/srv/supervisors"]),
        ("keypad", "driver", ["matrix", "usb", "none"]),
        ("keypad", "pins", ["gpiod", "lgpio"]),
        ("keypad", "rows", [(2, 27)]),
        ("keypad", "keys", [("0123456789*#ABCD",)]),
        ("keypad", "device", ["", "/dev/input/event0"]),
        ("display", "driver", ["none", *schema.DISPLAYS]),
        ("display", "interface", ["i2c", "spi"]),
        ("display", "address", [0x3C, 0x3D]),
        ("display", "rotate", [0, 3]),
        ("display", "speed", [500_000, 8_000_000, 52_000_000]),
        ("display", "dim_after", [0, 86_400]),
        ("display", "required", [True, False]),
        ("printer", "driver", ["usb", "serial", "network", "file", "none"]),
        ("printer", "columns", [24, 80]),
        ("printer", "code_page", list(schema.CODE_PAGES)),
        ("printer", "host", ["", "printer.lan", "10.0.0.9"]),
        ("printer", "port", [1, 65535]),
        ("printer", "baud", [9600, 115200]),
        ("printer", "vendor_id", [1, 0xFFFF]),
        ("printer", "required", [True, False]),
        ("sound", "buzzer", [2, 27]),
        ("notifications", "listen", ["", "127.0.0.1:8080"]),
    ],
)
def test_what_is_allowed(tmp_path: Path, table: str, key: str, values: list[object]) -> None:
    for value in values:
        assert read(tmp_path, table, key, value) == value


@pytest.mark.parametrize(
    ("table", "key", "values"),
    [
        ("shop", "name", ["", "x" * 101]),
        ("shop", "site", ["", "MLX", "mlb"]),
        ("shop", "lines", [("x" * 101,), ("",) * 21, "text"]),
        ("shop", "language", ["fr"]),
        ("mercadopago", "user_id", [0, -1, 10**15 + 1, "1"]),
        ("mercadopago", "external_store_id", ["", "12345", "STORE_1", "STORE 1", "a" * 61, "lojã"]),
        ("mercadopago", "external_pos_id", ["", "12345", "POS-1", "a" * 41, "POS1\n"]),
        ("mercadopago", "base_url", ["", "http://api.mercadopago.com", "https://a.example/?x=1"]),
        ("mercadopago", "access_token_file", ["token", "./token"]),
        ("mercadopago", "notification_url", ["http://a.example", "https://a.example/" + "n" * 483]),
        ("sale", "title", ["x" * 151]),
        ("sale", "presets", [("Café 4.50",), ("4,50 Café",), ("4.50",), ("4.50 ",), ("1  x",), ("1 " + "x" * 21,)]),
        ("sale", "presets", [("-1 x",), ("1e3 x",), ("1. x",), ("1 x\ny",), "4.50 Café", (450,)]),
        ("sale", "wait_seconds", [9, 541]),
        ("refunds", "supervisors", ["supervisors", 5]),
        ("keypad", "driver", ["", "gpio"]),
        ("keypad", "rows", [(1,), (28,), (0,)]),
        ("keypad", "keys", [("12E",), ("",), ("1 2",)]),
        ("keypad", "device", ["event0"]),
        ("display", "driver", ["", "ssd1307", "dummy"]),
        ("display", "address", [0x07, 0x78]),
        ("display", "rotate", [-1, 4, 90]),
        ("display", "speed", [400_000, 9_000_000]),
        ("display", "dim_after", [-1, 86_401]),
        ("printer", "driver", ["", "cups"]),
        ("printer", "columns", [23, 81]),
        ("printer", "code_page", ["", "cp858", "UTF-8"]),
        ("printer", "host", ["10.0.0.9:9100", "http://printer"]),
        ("printer", "port", [0, 65536]),
        ("printer", "baud", [9601]),
        ("printer", "vendor_id", [-1, 0x10000]),
        ("printer", "required", [1]),
        ("sound", "buzzer", [1, 28, -1]),
        ("notifications", "listen", ["8080", ":8080", "127.0.0.1"]),
        ("journal", "path", ["", "journal.db"]),
    ],
)
def test_what_is_not(tmp_path: Path, table: str, key: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=rf"kiosk\.toml: \[{table}\] {key} = .*: must be "):
            read(tmp_path, table, key, value)


def test_an_id_of_digits_is_taken_for_mercado_pagos_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="that you gave the point of sale, not the number that Mercado Pago gave it"):
        read(tmp_path, "mercadopago", "external_pos_id", "7654321")


@pytest.mark.parametrize(("table", "key"), [("sound", "buzzer"), ("printer", "vendor_id")])
def test_zero_means_not_there(tmp_path: Path, table: str, key: str) -> None:
    assert read(tmp_path, table, key, 0) is None


def test_displays_are_those_of_luma() -> None:
    parallel = {"ws0010", "winstar_weh"}
    assert sorted({*schema.DISPLAYS, *parallel}) == sorted(cmdline.get_display_types()["oled"])
    assert not parallel & set(schema.DISPLAYS)


def test_spi_speeds_are_those_of_luma() -> None:
    """Every listed speed passes luma's own check, and an unlisted one does not."""

    class Bus:
        """Stands for spidev and RPi.GPIO, which only a Pi has."""

        BCM = OUT = 0

        def __getattr__(self, name: str) -> Any:
            return lambda *values: None

    for speed in schema.SPI_SPEEDS:
        serial.spi(spi=Bus(), gpio=Bus(), bus_speed_hz=speed)
    with pytest.raises(AssertionError):
        serial.spi(spi=Bus(), gpio=Bus(), bus_speed_hz=9_000_000)


def test_code_pages_are_known_to_python_escpos() -> None:
    profile = get_profile("default")
    assert set(schema.CODE_PAGES) <= set(profile.get_code_pages())
