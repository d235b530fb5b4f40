"""The whole of ``kiosk.toml``: what it becomes, what is printed of it, and the access token beside it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from kiosk.config import (
    DEFAULT_PATH,
    STORED_TOKEN,
    Config,
    ConfigError,
    DisplayConfig,
    KeypadConfig,
    MercadoPagoConfig,
    PrinterConfig,
    Secret,
    SoundConfig,
    load,
    load_panel,
    load_token,
    masked,
    token_warning,
)
from kiosk.config.checks import machine_zone
from kiosk.sale.money import SITES
from kiosk.sale.shop import Shop

TOKEN = "APP_USR-123-456-abcdef-789"
NEEDED = """
[shop]
name = "EXAMPLE SHOP"
site = "MLB"
[mercadopago]
user_id = 123456789
external_store_id = "EXAMPLESTORE1"
external_pos_id = "EXAMPLEPOS1"
"""


def written(tmp_path: Path, text: str) -> Path:
    """A configuration file of that text."""
    path = tmp_path / "kiosk.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def example(root: Path) -> Config:
    """The file that the project ships."""
    return load(root / "config/kiosk.toml")


def with_token(config: Config, path: Path | str) -> Config:
    """The same, with the token in that file."""
    return replace(config, mercadopago=replace(config.mercadopago, access_token_file=str(path)))


def test_only_the_shop_and_the_account_must_be_written(tmp_path: Path) -> None:
    assert load(written(tmp_path, NEEDED)) == Config(
        Shop(
            name="EXAMPLE SHOP",
            header=(),
            footer=(),
            site=SITES["MLB"],
            language="pt",
            zone=machine_zone(),
            collector=123456789,
            pos_id="EXAMPLEPOS1",
            title="EXAMPLE SHOP",
            minimum=100,
            maximum=10000_00,
            confirm_above=1000_00,
            wait_s=180,
        ),
        MercadoPagoConfig(123456789, "EXAMPLESTORE1", "EXAMPLEPOS1"),
        KeypadConfig(),
        DisplayConfig(),
        PrinterConfig(),
        SoundConfig(),
        "",
        Path("/var/lib/kiosk/journal.db"),
        "/etc/kiosk/supervisors",
    )


def test_what_the_shop_writes_reaches_the_sale(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        NEEDED.replace('site = "MLB"', 'site = "MLC"\nlanguage = "en"\nlines = ["a", "b"]\nfooter = ["c"]')
        + '[sale]\ntitle = "T"\nwait_seconds = 60\n[printer]\nrequired = true\nroll_m = 80\n'
        + "[display]\nrequired = true\n"
        + '[notifications]\nlisten = "127.0.0.1:8080"\n[journal]\npath = "/tmp/j.db"\n'
        + '[refunds]\nsupervisors = "/tmp/s"\n',
    )
    config = load(path)
    assert (config.shop.header, config.shop.footer, config.shop.title) == (("a", "b"), ("c",), "T")
    assert (config.shop.language, config.shop.site.currency.code, config.shop.wait_s) == ("en", "CLP", 60)
    assert config.shop.printer_required
    assert config.shop.display_required
    assert config.shop.roll_m == 80
    assert (config.notifications_listen, config.journal) == ("127.0.0.1:8080", Path("/tmp/j.db"))
    assert config.supervisors == "/tmp/s"


def test_without_a_printer_the_sale_knows(tmp_path: Path) -> None:
    assert load(written(tmp_path, NEEDED)).shop.printer
    without = load(written(tmp_path, NEEDED + '[printer]\ndriver = "none"\nroll_m = 80\n')).shop
    assert (without.printer, without.roll_m) == (False, 0), "nor is there a roll to be changed"


def test_mistakes_of_all_tables_are_told_at_once(tmp_path: Path) -> None:
    """What is wrong in itself, what is wrong beside another, and what is unknown, in one message."""
    path = written(
        tmp_path,
        '[shop]\nname = 5\nsite = "MLB"\ntimezone = "Mars"\n[sale]\nminimum = "9"\nmaximum = "8"\n'
        '[printer]\ndriver = "network"\n[keypad]\nrows = [5, 5, 6, 13]\nx = 1\n',
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    named = {re.sub(r" (=|is not).*|: .*", "", line.removeprefix(f"{path}: ")) for line in caught.value.errors}
    assert named == {
        *("[shop] name", "[shop] timezone", "[sale] maximum", "[printer] host", "[keypad] rows", "[keypad] x"),
        *("[mercadopago] user_id", "[mercadopago] external_store_id", "[mercadopago] external_pos_id"),
    }


# The file that the project ships.


def test_the_panel_is_found_in_a_file_with_mistakes_elsewhere(tmp_path: Path) -> None:
    """So that it can say that there are some; the twin without mistakes finds the same."""
    path = tmp_path / "kiosk.toml"
    well = NEEDED + '[display]\ndriver = "sh1106"\nport = 3\n[keypad]\npins = "lgpio"\n'
    for text in (well, well + "rows = [1]\n[shops]\n", well.replace("123456789", '"me"')):
        path.write_text(text)
        panel = load_panel(path)
        assert panel.display == DisplayConfig(driver="sh1106", port=3)
        assert (panel.pins, panel.language) == ("lgpio", "pt")


@pytest.mark.parametrize(("site", "language"), [("MLA", "es"), ("MLX", "en")])
def test_the_panels_language_is_the_countrys(tmp_path: Path, site: str, language: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(NEEDED.replace("MLB", site))
    assert load_panel(path).language == language


@pytest.mark.parametrize("mistake", ["[display]\nport = 99\n", "[display\n"])
def test_a_panel_that_is_itself_a_mistake_is_not_guessed(tmp_path: Path, mistake: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(NEEDED + mistake)
    with pytest.raises(ConfigError):
        load_panel(path)


def test_the_example_holds_the_defaults_of_the_code(tmp_path: Path, example: Config) -> None:
    assert example == load(written(tmp_path, NEEDED))


def test_the_example_holds_every_key_and_no_other(root: Path, example: Config) -> None:
    shipped = tomllib.loads((root / "config/kiosk.toml").read_text(encoding="utf-8"))
    known = tomllib.loads(masked(example))
    assert {table: set(keys) for table, keys in shipped.items()} == {table: set(keys) for table, keys in known.items()}


def test_each_default_of_the_example_is_the_codes_own_line_by_line(root: Path, example: Config) -> None:
    """The whole file gives the default; so must each line alone, or two wrong lines could hide each other."""
    shipped = tomllib.loads((root / "config/kiosk.toml").read_text(encoding="utf-8"))
    known = tomllib.loads(masked(example))
    chosen_for_me = {("shop", "language"), ("shop", "timezone"), ("sale", "title")} | {
        ("sale", key) for key in ("minimum", "maximum", "confirm_above")
    }
    for table, keys in shipped.items():
        for key, value in keys.items():
            assert value == ("" if (table, key) in chosen_for_me else known[table][key]), (table, key)


def test_every_setting_of_the_example_is_explained(root: Path) -> None:
    """Between a setting and the one before it stands a remark, or they are one group without an empty line."""
    lines = (root / "config/kiosk.toml").read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"\w+ =", line):
            assert before, f"{line!r} has no remark above"
    assert all(len(line) <= 120 for line in lines)


# What is printed.


def test_what_is_in_force_can_be_read_back(tmp_path: Path, example: Config) -> None:
    text = (
        NEEDED.replace('"EXAMPLE SHOP"', '"Açaí \\"do Zé\\" \\\\"') + '[sound]\nbuzzer = 18\n[sale]\nmaximum = "77.5"\n'
    )
    for config in (example, load(written(tmp_path, text))):
        assert load(written(tmp_path, masked(config))) == config


def test_l10_what_is_printed_holds_no_secret(tmp_path: Path, example: Config) -> None:
    """Law L10: the token is not read for it, and the query of the notification address is masked."""
    (tmp_path / "token").write_text(TOKEN)
    config = with_token(example, tmp_path / "token")
    provider = replace(config.mercadopago, notification_url="https://shop.example/n?key=SECRET")
    text = masked(replace(config, mercadopago=provider))
    assert "SECRET" not in text
    assert TOKEN not in text
    assert 'notification_url = "https://shop.example/n?********"' in text


def test_l10_a_secret_shows_only_on_demand() -> None:
    """Law L10: no usual way to print a value prints this one."""
    secret = Secret(TOKEN)
    assert secret.reveal() == TOKEN
    for text in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>20}",
        repr([secret]),
        repr({"a": secret}),
    ):
        assert TOKEN not in text
        assert "********" in text
    assert not hasattr(secret, "__dict__")


# The access token.


@pytest.mark.parametrize("content", [TOKEN, f"{TOKEN}\n", f"  {TOKEN}\r\n\n"])
def test_the_token_of_the_file(tmp_path: Path, example: Config, content: str) -> None:
    (tmp_path / "token").write_bytes(content.encode())
    assert load_token(with_token(example, tmp_path / "token"), {}).reveal() == TOKEN


def test_the_token_of_the_credential(tmp_path: Path, example: Config) -> None:
    (tmp_path / "mercadopago-token").write_text(TOKEN)
    assert load_token(example, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == TOKEN


def test_outside_of_the_service_the_token_is_what_the_credential_is_made_of(tmp_path: Path, example: Config) -> None:
    """``sudo kiosk check`` has no credential: only the service gets one."""
    stored = tmp_path / "stored"
    stored.write_text(TOKEN)
    assert load_token(example, {}, stored).reveal() == TOKEN
    (tmp_path / "mercadopago-token").write_text("other")
    assert load_token(example, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, stored).reveal() == "other"
    stored.chmod(0o644)
    assert f"chmod o= {stored}" in token_warning(example, {}, stored)


def test_it_is_the_file_that_the_service_is_given(root: Path) -> None:
    unit = (root / "systemd" / "kiosk.service").read_text()
    assert f"LoadCredential={STORED_TOKEN.name}:{STORED_TOKEN}\n" in unit


def test_the_file_goes_before_the_credential(tmp_path: Path, example: Config) -> None:
    (tmp_path / "mercadopago-token").write_text("other")
    (tmp_path / "token").write_text(TOKEN)
    config = with_token(example, tmp_path / "token")
    assert load_token(config, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == TOKEN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"SECRET\nSECRET", "holds something else"),
        (b"Bearer SECRET", "holds something else"),
        (b"SECRET\x00", "holds something else"),
        (b"SECRET\x1b[0m", "holds something else"),
        (b"SECRET\xff", "holds something else"),
        (b"SECRET" * 86, "holds something else"),
    ],
)
def test_l10_what_cannot_be_a_token_is_refused_unseen(
    tmp_path: Path, example: Config, content: bytes, message: str
) -> None:
    """Law L10: nor does the chain of exceptions hold it."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigError, match=f"/token: {message}; it must hold the access token alone") as caught:
        load_token(with_token(example, tmp_path / "token"), {})
    assert "SECRET" not in str(caught.value)
    assert caught.value.__context__ is None


def test_the_longest_token(tmp_path: Path, example: Config) -> None:
    (tmp_path / "token").write_text("x" * 512)
    assert load_token(with_token(example, tmp_path / "token"), {}).reveal() == "x" * 512


def test_without_a_token_it_says_where_it_looked(tmp_path: Path, example: Config) -> None:
    with pytest.raises(ConfigError, match="stored: the access token cannot be read: No such file"):
        load_token(example, {}, tmp_path / "stored")
    with pytest.raises(ConfigError, match="mercadopago-token: the access token cannot be read: No such file"):
        load_token(example, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(ConfigError, match="none: the access token cannot be read: No such file"):
        load_token(with_token(example, tmp_path / "none"), {})


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False), (0o400, False)]
)
def test_a_token_that_everybody_can_read_earns_a_warning(
    tmp_path: Path, example: Config, mode: int, warned: bool
) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(mode)
    warning = token_warning(with_token(example, path), {})
    assert bool(warning) == warned
    assert not warned or f"chmod o= {path}" in warning
    assert load_token(with_token(example, path), {}).reveal() == TOKEN


def test_no_warning_where_there_is_no_token(tmp_path: Path, example: Config) -> None:
    assert not token_warning(example, {}, tmp_path / "stored")
    assert not token_warning(with_token(example, tmp_path / "none"), {})


def test_the_service_reads_etc() -> None:
    assert Path("/etc/kiosk/kiosk.toml") == DEFAULT_PATH
