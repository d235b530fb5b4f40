"""``kiosk setup`` against the fake account over a real socket: by options, and typed at a terminal."""

from __future__ import annotations

import re
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kiosk.cli import main
from kiosk.config import load, load_token
from kiosk.sim.mercadopago import FakeMercadoPago
from tests.fake_shop import TOKEN, USER, account, on_the_wire
from tests.terminal import Keyboard

ADDRESS = (
    *("--street", "Rua das Flores", "--number", "123", "--city", "São Paulo", "--state", "São Paulo"),
    *("--latitude", "-23.5505", "--longitude", "-46.6333"),
)


@dataclass
class Technician:
    """A folder for the configuration, and the command run in it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    url: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "etc/kiosk.toml"

    @property
    def token(self) -> Path:
        return self.folder / "etc/mercadopago-token"

    def setup(self, *arguments: str, token: str | None = TOKEN) -> int:
        """Run it with the token in a file; answers the exit status, and keeps what it said."""
        given = []
        if token is not None:
            (self.folder / "given").write_text(token + "\n")
            given = ["--token-file", str(self.folder / "given")]
        place = ["--config", str(self.config), "--qr", str(self.folder / "qr")]
        url = ["--base-url", self.url] if self.url else []
        status = main(["setup", *place, *url, *given, *arguments])
        said = self.capsys.readouterr()
        self.told.append(said.out + said.err)
        assert TOKEN not in self.told[-1]
        assert "0123456789abcdef" not in self.told[-1]
        return status

    @property
    def said(self) -> str:
        return self.told[-1]

    def settings(self) -> dict[str, Any]:
        return tomllib.loads(self.config.read_text())


@pytest.fixture
def technician(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Technician:
    return Technician(tmp_path, capsys)


@contextmanager
def answering(technician: Technician, fake: FakeMercadoPago) -> Iterator[Technician]:
    with on_the_wire(fake) as technician.url:
        yield technician


# --- found ------------------------------------------------------------------------------------------------------------


def test_a_shop_that_is_there_is_found_and_written_down(technician: Technician, root: Path) -> None:
    with answering(technician, account("LOJA01", "CAIXA01")):
        assert technician.setup("--shop", "Padaria") == 0
    config = load(technician.config)
    assert (config.shop.name, config.shop.site.id) == ("Padaria", "MLB")
    assert (config.mercadopago.user_id, config.mercadopago.external_store_id) == (USER, "LOJA01")
    assert config.mercadopago.external_pos_id == "CAIXA01"
    assert load_token(config).reveal() == TOKEN
    assert technician.token.stat().st_mode & 0o777 == 0o600
    assert technician.config.stat().st_mode & 0o777 == 0o644
    assert (technician.folder / "qr/qr-CAIXA01.pdf").read_bytes().startswith(b"%PDF")
    assert (technician.folder / "qr/qr-CAIXA01.png").read_bytes().startswith(b"\x89PNG")
    assert technician.said.endswith("next: sudo systemctl restart kiosk; sudo kiosk check\n")
    annotated = (root / "config/kiosk.toml").read_text().splitlines()
    lines = technician.config.read_text().splitlines()
    changed = [line for was, line in zip(annotated, lines, strict=True) if was != line]
    assert [line.split(" = ")[0] for line in changed] == [
        *("name", "user_id", "external_store_id", "external_pos_id", "base_url", "access_token_file")
    ]


def test_the_second_run_changes_nothing(technician: Technician) -> None:
    with answering(technician, account("LOJA01", "CAIXA01")):
        assert technician.setup() == 0
        files = (technician.config, technician.token, technician.folder / "qr/qr-CAIXA01.pdf")
        before = [(file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino) for file in files]
        assert technician.setup() == 0
        assert "says all of this already" in technician.said
        assert technician.setup(token=None) == 0, "the token that is there will do, and so will its base_url"
        technician.url = ""
        assert technician.setup() == 0
    assert [(file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino) for file in files] == before


def test_what_the_shop_has_filled_in_is_changed_only_by_force(technician: Technician) -> None:
    technician.config.parent.mkdir()
    technician.config.write_text('[shop]\nname = "Mine" # ours\nsite = "MLA"\n[sale]\nwait_seconds = 60\n')
    with answering(technician, account("LOJA01", "CAIXA01")):
        assert technician.setup() == 1
        assert "[shop] site" in technician.said
        assert "not without --force" in technician.said
        assert 'site = "MLA"' in technician.config.read_text()
        assert technician.setup("--force") == 0
    assert technician.settings()["sale"] == {"wait_seconds": 60}
    assert 'name = "Mine" # ours\nsite = "MLB"\n' in technician.config.read_text()


def test_another_token_replaces_one_only_by_force(technician: Technician) -> None:
    technician.config.parent.mkdir()
    technician.token.write_text("APP_USR-1-another\n")
    with answering(technician, account("LOJA01", "CAIXA01")):
        assert technician.setup() == 1
        assert "another" in technician.said
        assert "APP_USR" not in technician.said
        assert not technician.config.exists()
        assert technician.setup("--force") == 0
    assert technician.token.read_text() == TOKEN + "\n"


def test_a_dry_run_writes_nothing_anywhere(technician: Technician) -> None:
    fake = account()
    with answering(technician, fake):
        assert technician.setup("--dry-run", "--store", "LOJA01", "--pos", "CAIXA01", "--shop", "P", *ADDRESS) == 0
    assert fake.premises.stores == []
    assert fake.premises.points == []
    assert [path.name for path in technician.folder.iterdir()] == ["given"]
    for words in ("no store LOJA01", "no point of sale CAIXA01", "kiosk.toml: ", "mercadopago-token"):
        assert words in technician.said


# --- made, and mended -------------------------------------------------------------------------------------------------


def test_store_and_point_of_sale_are_made_where_that_is_said(technician: Technician) -> None:
    fake = account()
    asked = ("--store", "LOJA01", "--pos", "CAIXA01", "--shop", "Padaria", *ADDRESS)
    with answering(technician, fake):
        assert technician.setup(*asked) == 1
        assert "not without --create" in technician.said
        assert fake.premises.stores == []
        assert technician.setup(*asked, "--create") == 0
        assert technician.setup(*asked, "--create") == 0
    [store], [pos] = fake.premises.stores, fake.premises.points
    assert (store["external_id"], store["name"], store["location"]["street_number"]) == ("LOJA01", "Padaria", "123")
    assert (pos["external_id"], pos["fixed_amount"], pos["external_store_id"]) == ("CAIXA01", True, "LOJA01")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pos", "CAIXA-01"], "letters and digits"),
        (["--pos", "1234567"], "at least one of them a letter"),
        (["--pos", "C" * 41], "1 to 40"),
        (["--store", "loja 1"], "letters and digits"),
        (["--street", "Rua"], "--number, --city, --state, --latitude, --longitude"),
        ([*ADDRESS[:-1], "east"], "--longitude: must be degrees"),
        ([*ADDRESS[:-1], "181"], "--longitude: must be degrees"),
        (["--base-url", "http://example.com"], "--base-url: must be https"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    arguments: list[str], told: str, technician: Technician
) -> None:
    """The twin of each is taken in the test above."""
    technician.url = "http://127.0.0.1:9"
    assert technician.setup("--create", *arguments) == 1
    assert told in technician.said
    assert technician.said.count("\n") == 1


def test_a_city_that_mercado_pago_spells_otherwise(technician: Technician) -> None:
    address = [word.replace("São Paulo", "Sao Paulo") for word in ADDRESS]
    with answering(technician, account()):
        status = technician.setup("--create", "--store", "LOJA01", "--pos", "CAIXA01", "--shop", "P", *address)
    assert status == 1
    assert "location.state_name must be one of" in technician.said
    assert "in its own spelling" in technician.said
    assert not technician.config.exists()


def test_a_point_of_sale_of_the_web_panel_gets_what_the_kiosk_needs(technician: Technician) -> None:
    """There it has no external id, and lets the customer type an amount."""
    fake = account("LOJA01", "CAIXA01")
    fake.premises.points[0]["external_id"] = None
    fake.ledger.behaviour.fixed_amount = False
    with answering(technician, fake):
        assert technician.setup("--pos", "CAIXA09") == 1
        assert "not without --create" in technician.said
        assert not fake.premises.points[0]["external_id"]
        assert technician.setup("--pos", "CAIXA09", "--create") == 0
    assert fake.premises.points[0]["external_id"] == "CAIXA09"
    assert fake.premises.points[0]["fixed_amount"] is True
    assert technician.settings()["mercadopago"]["external_pos_id"] == "CAIXA09"


def test_a_store_of_the_web_panel_gets_an_external_id(technician: Technician) -> None:
    fake = account("LOJA01", "CAIXA01")
    fake.premises.stores[0]["external_id"] = None
    with answering(technician, fake):
        assert technician.setup("--store", "LOJA09", "--create") == 0
    assert fake.premises.stores[0]["external_id"] == "LOJA09"


def test_which_of_two_must_be_said(technician: Technician) -> None:
    fake = account("LOJA01", "CAIXA01")
    with answering(technician, fake):
        assert technician.setup("--store", "LOJA01", "--pos", "CAIXA02", "--create") == 0
        assert [point["external_id"] for point in fake.premises.points] == ["CAIXA01", "CAIXA02"]
        assert technician.setup() == 0, "the one that the configuration names"
        technician.config.unlink()
        assert technician.setup() == 1
        assert "say it with --pos; there are CAIXA01 (Counter), CAIXA02" in technician.said
        assert technician.setup("--pos", "caixa01") == 0
    assert technician.settings()["mercadopago"]["external_pos_id"] == "CAIXA01"


def test_the_point_of_sale_of_another_store(technician: Technician) -> None:
    with answering(technician, account("LOJA01", "CAIXA01")):
        arguments = ("--create", "--store", "LOJA02", "--pos", "CAIXA01", "--shop", "P", *ADDRESS)
        assert technician.setup(*arguments) == 1
    assert "CAIXA01 belongs to another store" in technician.said


# --- refused, and not answered ----------------------------------------------------------------------------------------


def test_a_wrong_token_is_told_and_written_nowhere(technician: Technician) -> None:
    with answering(technician, account("LOJA01", "CAIXA01")):
        assert technician.setup(token=TOKEN.replace("1125", "1126")) == 1
    assert "put the account's current production access token" in technician.said
    assert [path.name for path in technician.folder.iterdir()] == ["given"]


@pytest.mark.parametrize("text", ["", "two words", "é" * 40, "line\nline"])
def test_what_cannot_be_a_token_is_not_sent(text: str, technician: Technician) -> None:
    technician.url = "http://127.0.0.1:9"
    assert technician.setup(token=text) == 1
    assert "must hold the access token alone" in technician.said
    assert not text or text not in technician.said


def test_no_network(technician: Technician) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        technician.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert technician.setup() == 1
    assert "check cable, Wi-Fi and router" in technician.said
    assert not technician.config.exists()


def test_mercado_pago_is_down(technician: Technician) -> None:
    fake = account("LOJA01", "CAIXA01")
    fake.set_trouble("mp-down", True)
    with answering(technician, fake):
        assert technician.setup() == 1
    assert "the provider has a problem: try again later" in technician.said


def test_a_token_that_is_typed_as_an_argument_is_not_shown_again(technician: Technician) -> None:
    technician.url = "http://127.0.0.1:9"
    for arguments in (["--token-file", TOKEN], ["--token", TOKEN]):
        assert technician.setup(*arguments, token=None) == 1
        assert "the token itself is no argument" in technician.said
    assert technician.setup("--token-file", "/none", token=None) == 1
    assert "/none: the access token cannot be read" in technician.said
    with pytest.raises(SystemExit):
        main(["setup", TOKEN])
    assert "unrecognized arguments: ********\n" in technician.capsys.readouterr().err


def test_no_token_and_nobody_to_ask(technician: Technician) -> None:
    technician.url = "http://127.0.0.1:9"
    assert technician.setup(token=None) == 1
    assert "--token-file FILE" in technician.said


def test_a_place_that_cannot_be_written_is_told_first(technician: Technician) -> None:
    (technician.folder / "etc").write_text("a file")
    technician.url = "http://127.0.0.1:9"
    assert technician.setup() == 1
    assert "cannot be written" in technician.said


# --- at a terminal ----------------------------------------------------------------------------------------------------


def keyboard_at(folder: Path, url: str) -> Keyboard:
    """Where ``kiosk setup`` runs."""
    return Keyboard("setup", "--config", str(folder / "etc/kiosk.toml"), "--base-url", url, "--qr", str(folder))


@pytest.mark.slow
def test_a_technician_answers_questions_and_the_token_is_not_shown(tmp_path: Path) -> None:
    fake = account()
    with on_the_wire(fake) as url:
        keyboard = keyboard_at(tmp_path, url)
        try:
            keyboard.answer("Access token", TOKEN)
            keyboard.answer("external id of the store", "LOJA01")
            keyboard.answer("make it? [y/N]", "y")
            answers = ["Padaria", *ADDRESS[1::2]]
            questions = ["name of the shop", "street,", "its number", "city", "state", "latitude", "longitude"]
            for question, text in zip(questions, answers, strict=True):
                keyboard.answer(question, text)
            keyboard.answer("external id of the point of sale", "")
            keyboard.answer("make it? [y/N]", "y")
            keyboard.answer("name of the shop, for its tickets [Padaria]", "")
            keyboard.read_until("next: sudo systemctl restart kiosk; sudo kiosk check")
            assert keyboard.process.wait(30) == 0
        finally:
            keyboard.close()
    assert not re.search("APP_USR|0123456789abcdef", keyboard.shown)
    config = load(tmp_path / "etc/kiosk.toml")
    assert (config.shop.name, config.mercadopago.external_pos_id) == ("Padaria", "KIOSK01")
    assert load_token(config).reveal() == TOKEN


@pytest.mark.slow
def test_a_technician_is_asked_whether_the_only_point_of_sale_is_this_kiosks(tmp_path: Path) -> None:
    """It may be the other counter's: two kiosks on one would overwrite each other's orders."""
    fake = account("LOJA01", "CAIXA01")
    with on_the_wire(fake) as url:
        keyboard = keyboard_at(tmp_path, url)
        try:
            keyboard.answer("Access token", TOKEN)
            keyboard.answer("2  a new one", "9")
            keyboard.answer("which point of sale (1 to 2)", "2")
            keyboard.answer("external id of the point of sale", "CAIXA02")
            keyboard.answer("make it? [y/N]", "y")
            keyboard.answer("name of the shop", "Padaria")
            assert keyboard.process.wait(30) == 0
        finally:
            keyboard.close()
    assert load(tmp_path / "etc/kiosk.toml").mercadopago.external_pos_id == "CAIXA02"


@pytest.mark.slow
def test_a_technician_says_no(tmp_path: Path) -> None:
    fake = account()
    with on_the_wire(fake) as url:
        keyboard = keyboard_at(tmp_path, url)
        try:
            keyboard.answer("Access token", TOKEN)
            keyboard.answer("external id of the store", "LOJA01")
            keyboard.answer("make it? [y/N]", "")
            keyboard.read_until("nothing was changed")
            assert keyboard.process.wait(30) == 1
        finally:
            keyboard.close()
    assert fake.premises.stores == []
    assert list(tmp_path.iterdir()) == []
