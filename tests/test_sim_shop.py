"""The configuration that the virtual counter derives for its kiosk, read back by the kiosk's own reader."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config import Config, load
from kiosk.sim import shop

OWN = """
[shop]
name = "Kiosco \\"El Sol\\""
lines = ["Av. Siempreviva 742", "CUIT 30-12345678-9"]
site = "MLA"
[mercadopago]
user_id = 987
external_store_id = "STORE9"
external_pos_id = "POS9"
access_token_file = "/secret/token"
notification_url = "https://example.com/notify"
[sale]
minimum = "3.00"
[keypad]
rows = [2, 3, 4, 17]
[display]
driver = "sh1106"
interface = "spi"
width = 128
height = 128
rotate = 2
dim_after = 7
[printer]
driver = "serial"
device = "/dev/ttyUSB0"
columns = 32
code_page = "CP850"
required = true
[sound]
buzzer = 18
[notifications]
listen = "127.0.0.1:9000"
[refunds]
supervisors = "/secret/supervisors"
[journal]
path = "/var/lib/kiosk/real.db"
"""


def far_ends(**different: Any) -> shop.FarEnds:
    account = shop.Account("http://127.0.0.1:4444", Path("/private/token"), Path("/private/supervisors"))
    ends = {"account": account, "printer_port": 5555, "display": True, "keypad": True, "journal": Path("/private/j.db")}
    return shop.FarEnds(**{**ends, **different})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def derived(config: Path | None, ends: shop.FarEnds, tmp_path: Path) -> Config:
    text = shop.toml(shop.with_far_ends(shop.read(config), ends))
    return load(shop.write_private(tmp_path / "derived.toml", text))


def test_the_built_in_shop_is_brazilian_with_42_columns_and_all_virtual(tmp_path: Path) -> None:
    config = derived(None, far_ends(), tmp_path)
    assert (config.shop.site.id, config.shop.language, config.printer.columns) == ("MLB", "pt", 42)
    assert (config.printer.driver, config.printer.host, config.printer.port) == ("network", "127.0.0.1", 5555)
    assert config.mercadopago.base_url == "http://127.0.0.1:4444"
    assert config.mercadopago.access_token_file == "/private/token"
    assert config.keypad.driver == "none"
    assert config.journal == Path("/private/j.db")
    assert config.supervisors == "/private/supervisors"


def test_the_shops_own_settings_stay_and_its_far_ends_are_virtual(own: Path, tmp_path: Path) -> None:
    config = derived(own, far_ends(), tmp_path)
    assert config.shop.name == 'Kiosco "El Sol"'
    assert config.shop.header == ("Av. Siempreviva 742", "CUIT 30-12345678-9")
    assert config.shop.minimum == 300
    assert (config.mercadopago.user_id, config.mercadopago.external_pos_id) == (987, "POS9")
    assert (config.printer.columns, config.printer.code_page, config.printer.required) == (32, "CP850", True)
    assert (config.printer.driver, config.printer.port) == ("network", 5555)
    assert (config.display.driver, config.display.width, config.display.height) == ("ssd1306", 128, 64)
    assert (config.display.rotate, config.display.dim_after) == (0, 7)
    assert config.keypad.driver == "none"
    assert config.sound.buzzer is None


def test_with_the_fake_account_nothing_of_the_real_one_is_touched(own: Path, tmp_path: Path) -> None:
    config = derived(own, far_ends(), tmp_path)
    assert config.mercadopago.base_url == "http://127.0.0.1:4444"
    assert config.mercadopago.access_token_file == "/private/token"
    assert config.mercadopago.notification_url == ""
    assert config.notifications_listen == ""
    assert config.supervisors == "/private/supervisors"


def test_the_fake_sends_notifications_to_where_the_kiosk_listens(own: Path, tmp_path: Path) -> None:
    account = shop.Account("http://127.0.0.1:4444", Path("/private/token"), Path("/x"), notices_port=6666)
    config = derived(own, far_ends(account=account), tmp_path)
    assert config.notifications_listen == "127.0.0.1:6666"
    assert config.mercadopago.notification_url == "http://127.0.0.1:6666/notices"


def test_the_configured_journal_is_never_used(own: Path, tmp_path: Path) -> None:
    everything_real = far_ends(account=None, printer_port=None, display=False, keypad=False)
    assert derived(own, everything_real, tmp_path).journal == Path("/private/j.db")


def test_each_far_end_is_real_on_its_own(own: Path, tmp_path: Path) -> None:
    real = load(own)
    one_real: dict[str, dict[str, Any]] = {
        "mercadopago": {"account": None},
        "printer": {"printer_port": None},
        "display": {"display": False},
        "keypad": {"keypad": False},
    }
    for table, one in one_real.items():
        folder = tmp_path / table
        folder.mkdir()
        config = derived(own, far_ends(**one), folder)
        same = {name for name in one_real if getattr(config, name) == getattr(real, name)}
        assert same == {table}
        assert (config.sound == real.sound) == (table == "keypad")  # They hang on the same pins.
        assert (config.notifications_listen == real.notifications_listen) == (table == "mercadopago")
        assert (config.supervisors == real.supervisors) == (table == "mercadopago")


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30), st.integers(1, 10**15), st.booleans())
def test_what_is_written_is_read_back(text: str, number: int, flag: bool) -> None:
    tables: shop.Tables = {
        "shop": {"name": text, "lines": [text, "x"], "rows": [], "n": number, "flag": flag},
        "sound": {},
    }
    assert tomllib.loads(shop.toml(tables)) == tables


def test_what_is_private_can_be_read_by_its_owner_alone_and_is_never_written_over(tmp_path: Path) -> None:
    path = shop.write_private(tmp_path / "token", "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "secret"
    with pytest.raises(FileExistsError):
        shop.write_private(path, "another")
