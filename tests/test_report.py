"""What goes into the report for support, and what does not (law L10)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kiosk.config import load
from kiosk.report import (
    STARS,
    TEXT_MAX,
    MissingError,
    Part,
    Redactor,
    command,
    parts,
    sales,
    secrets_at,
    write,
)
from tests.cli_shop import NOON, configured, unpacked, with_sales
from tests.fake_shop import TOKEN

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"x {TOKEN} y", f"x {STARS} y"),
        (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {STARS}"),
        ("Bearer abc.def", f"Bearer {STARS}"),
        ("another APP_USR-99-8-x and TEST-77-a", f"another {STARS} and {STARS}"),
        ("?access_token=APP_USR%2D1%2D2&x=1", f"?access_token={STARS}"),
        ("part 0123456789abcdef0123456789abcdef!", f"part {STARS}!"),
        ("http://proxy:secret99@host/x", f"http://proxy:{STARS}@host/x"),
        ('password="hunter2"', f"password={STARS}"),
        ("wpa-psk: abcdefgh", f"wpa-psk: {STARS}"),
    ],
)
def test_what_must_not_come_out(text: str, clean: str) -> None:
    assert Redactor([TOKEN]).clean(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "LoadCredential=mercadopago-token:/etc/kiosk/mercadopago-token",
        'access_token_file = ""',
        "user_id = 555000111",
        "sale 1: paid by 111, POS-1-Ab, R$ 25,00",
        "https://api.mercadopago.com/users/me",
        "a TEST of the printer",
    ],
)
def test_what_support_needs_stays(text: str) -> None:
    assert Redactor([TOKEN, "short"]).clean(text) == text


def test_the_token_is_known_wherever_it_may_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(configured(tmp_path))
    for name in ("etc/kiosk", "run/credentials/kiosk.service", "given"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "mercadopago-token").write_text(f"{name}-token\nanother line\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    found = secrets_at(config, tmp_path)
    assert {"etc/kiosk-token", "run/credentials/kiosk.service-token", "given-token", "line"} <= set(found)
    assert (tmp_path / "token").read_text() in found
    assert secrets_at(None, tmp_path / "nowhere") == ["given-token", "another", "line"]


# --- the sources ------------------------------------------------------------------------------------------------------


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, beside the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_what_a_command_says_with_its_errors(path: Path) -> None:
    program(path, "said", "echo out; echo err >&2; exit 3")
    assert command("said") == "out\n\n[it also said]\nerr\n\n[exit status 3]\n"
    program(path, "fine", "echo out")
    assert command("fine") == "out\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo first >&2; echo no permission >&2; exit 1", "no permission"),
        ("exit 4", "says nothing \\(exit status 4\\)"),
        ("exec sleep 30", "does not end"),
    ],
)
def test_a_command_that_gives_nothing_is_missing(script: str, told: str, path: Path) -> None:
    program(path, "odd", script)
    with pytest.raises(MissingError, match=told):
        command("odd", within_s=0.5)
    with pytest.raises(MissingError, match="there is no such-program"):
        command("such-program")


def test_of_a_long_text_the_end_is_kept(path: Path) -> None:
    program(path, "long", f"head -c {TEXT_MAX} /dev/zero | tr '\\0' a; echo end")
    text = command("long")
    assert text.startswith("[the first 4 bytes are left out]\naaa")
    assert text.endswith("aend\n")


def test_the_sales_of_the_last_days_without_what_was_bought(tmp_path: Path) -> None:
    """Two sales at noon and one a minute later; the older ones are left out."""
    config = with_sales(tmp_path, 3)
    told = json.loads(sales(config, NOON - DAY_S))
    assert [sale["number"] for sale in told] == [3, 2, 1]
    assert (told[2]["reference"], told[2]["cents"], told[2]["phase"]) == ("POS-1-Ab", 250_000, "paid")
    assert told[2]["log"][0]["event"] == "paid"
    assert "Café" not in sales(config, NOON - DAY_S)
    assert [sale["number"] for sale in json.loads(sales(config, NOON + 2))] == [3, 2]
    assert json.loads(sales(config, NOON + DAY_S)) == []


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="none yet"):
        sales(configured(tmp_path), 0.0)
    with pytest.raises(MissingError, match=r"none\.toml"):
        sales(tmp_path / "none.toml", 0.0)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_had_is_told_and_the_rest_is_there(tmp_path: Path) -> None:
    def fails() -> str:
        raise MissingError(f"no {TOKEN}")

    told: list[str] = []
    wanted = [Part("a.txt", "the a", lambda: f"a {TOKEN} \ud800"), Part("b.txt", "the b", fails)]
    file = tmp_path / "report.tar.gz"
    write(wanted, Redactor([TOKEN]), file, NOON, told.append)
    found = unpacked(file)
    assert found["a.txt"].decode() == f"a {STARS} ?"
    assert found["contents.txt"].decode().splitlines() == told
    assert told[0].split() == ["with", "a.txt", "the", "a"]
    assert told[1].split() == ["without", "b.txt", "the", "b:", "no", STARS]
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write(wanted, Redactor([]), file, NOON, told.append)


PROGRAMS = ("journalctl", "systemctl", "vcgencmd", "df", "dmesg", "ip", "timedatectl", "lsusb")
FILES = ("etc/os-release", "proc/device-tree/model", "proc/cpuinfo", "proc/meminfo", "proc/uptime", "proc/mounts")


@pytest.mark.slow
def test_the_token_planted_in_every_source_comes_out_of_none(tmp_path: Path, path: Path) -> None:
    """The kiosk's own commands are stood in for by a Python that says it, too."""
    for name in PROGRAMS:
        program(path, name, f"echo '{name} says {TOKEN}, Bearer {TOKEN[9:]} and TEST-1-x'")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name} holds {TOKEN}")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / f"ttyUSB-{TOKEN}").write_text("")
    (tmp_path / "opt/kiosk").mkdir(parents=True)
    (tmp_path / "opt/kiosk/current").symlink_to(TOKEN)
    config = with_sales(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    text = config.read_text().replace('name = "EXAMPLE SHOP"', f'name = "{TOKEN}"')
    config.write_text(text.replace("[shop]\n", f'[shop]\nfooter = ["{TOKEN}"]\n'))
    wanted = parts(config, now=NOON + 100, lines=10, days=1, root=tmp_path)
    file = tmp_path / "report.tar.gz"
    told: list[str] = []
    write(wanted, Redactor(secrets_at(load(config), tmp_path)), file, NOON, told.append)
    found = {name: content.decode() for name, content in unpacked(file).items()}
    assert {part.name for part in wanted} - set(found) == {"status.json"}
    for name, content in found.items():
        assert not [at for at in range(9, len(TOKEN) - 12) if TOKEN[at : at + 12] in content], name
        assert "APP_USR" not in content, name
        assert "TEST-" not in content, name
    for name in ("log", "unit", "dmesg", "proc-mounts", "etc-os-release", "version", "devices"):
        assert STARS in found[f"{name}.txt"]
    assert "it does not run" in "".join(told)


@pytest.mark.slow
def test_a_machine_that_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    told: list[str] = []
    wanted = parts(tmp_path / "none.toml", now=NOON, lines=10, days=1, root=tmp_path)
    write(wanted, Redactor([]), tmp_path / "report.tar.gz", NOON, told.append)
    assert set(unpacked(tmp_path / "report.tar.gz")) == {"contents.txt", "version.txt"}
    assert sum(line.startswith("without") for line in told) == len(wanted) - 1
    assert any("none.toml" in line for line in told)
    assert os.environ["PATH"] == ""
