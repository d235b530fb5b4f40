"""``kiosk report``, as it is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.control import ControlServer
from kiosk.sale.status import status
from kiosk.supervisors import Supervisor
from tests.cli_shop import TOKEN, configured, unpacked, with_sales
from tests.story import Story


@pytest.mark.slow
def test_with_the_service_running_and_to_whoever_typed_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time of the sales is long ago; nothing of it is in the last week."""
    monkeypatch.setenv("SUDO_UID", "4711")
    monkeypatch.setenv("SUDO_GID", "4712")
    config = with_sales(tmp_path)
    supervisor = Supervisor.made("Ana", "2580", b"a" * 16).entry
    (tmp_path / "supervisors").write_text(supervisor)
    (tmp_path / "supervisors").chmod(0o640)
    server = ControlServer(tmp_path / "control.sock", lambda _: status(Story().counter, 0.0))
    try:
        assert main(["report", "--config", str(config), "--output", str(tmp_path / "r.tar.gz")]) == 0
    finally:
        server.close()
    found = unpacked(tmp_path / "r.tar.gz")
    assert b'"state": "starting"' in found["status.json"]
    assert b"running, state starting" in found["check.json"]
    assert b"EXAMPLE SHOP" in found["config.toml"]
    assert not [name for name, content in found.items() if TOKEN.encode() in content]
    kept = [*supervisor.split(":")[1:], "Ana:"]
    assert not [name for name, content in found.items() if any(part.encode() in content for part in kept)]
    assert b"1 supervisor" in found["check.json"], "it was there to be read"
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith(f"{tmp_path}/r.tar.gz: send this file to support")
    if os.geteuid() == 0:
        assert ((tmp_path / "r.tar.gz").stat().st_uid, (tmp_path / "r.tar.gz").stat().st_gid) == (4711, 4712)


@pytest.mark.slow
def test_without_a_configuration_there_is_still_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--config", str(tmp_path / "none.toml")]) == 0
    [file] = tmp_path.glob("kiosk-report-*.tar.gz")
    assert "contents.txt" in unpacked(file)
    assert "without  config.toml" in capsys.readouterr().out


@pytest.mark.slow
def test_a_file_that_is_there_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.tar.gz").write_text("mine")
    config = configured(tmp_path, "[sale]\nwait_seconds = 5\n")  # a mistake: its own commands end at once
    assert main(["report", "--config", str(config), "--output", str(tmp_path / "r.tar.gz")]) == 1
    assert "r.tar.gz: File exists" in capsys.readouterr().err
    assert (tmp_path / "r.tar.gz").read_text() == "mine"


@pytest.mark.parametrize("arguments", [["--lines", "many"], ["--days", "-1"]])
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", *arguments])
    assert caught.value.code == 2
