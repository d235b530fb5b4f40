"""``install.sh`` and its neighbours, run against stand-ins for Python, apt-get and the machine's tools.

What really happens on a bare machine is tried on one; here it is what the script decides, in milliseconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

# Python as far as install.sh uses it: it notes what it is asked, and makes what the real one would make.
PYTHON = """#!/bin/bash
here=$(dirname "$0")
case "$*" in
    --version) echo "Python 3.${MINOR:-11}.2" ;;
    -) cat >/dev/null; ((${MINOR:-11} >= 11 && ${MINOR:-11} < 14)) ;;
    "-c import sysconfig"*) echo "$here/include" ;;
    "-m venv --clear "*) echo "venv" >>"$NOTES"; rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    "-m pip install"*)
        echo "pip in $PWD: $*" >>"$NOTES"
        [[ -z ${OFFLINE-} ]] || exit 1
        printf '#!/bin/bash\\nprintf "[%%s]" "$PWD" "$@"\\n' >"$here/kiosk"
        chmod +x "$here/kiosk" ;;
    *) echo "python was asked: $*" >&2; exit 99 ;;
esac
"""
APT = """#!/bin/bash
echo "apt-get $*" >>"$NOTES"
[[ $* == *install* ]] || exit 0
for part in "$PARTS"/*; do
    [[ ! -e $part ]] || cp "$part" "$(dirname "$0")"
done
"""


class Machine:
    """A machine of stand-ins: only what is in ``bin`` can be called."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.checkout = folder / 'a checkout\'s "place"'
        self.bin, self.parts, self.notes = folder / "bin", folder / "parts", folder / "notes"
        for made in (self.checkout / "config", self.checkout / "systemd", self.bin, self.parts):
            made.mkdir(parents=True)
        for name in ("install.sh", "pyproject.toml", "config/constraints.txt", "systemd/service.sh"):
            shutil.copy(root / name, self.checkout / name)
        for tool in ("bash", "dirname", "cat", "cp", "rm", "chmod", "mkdir", "sha256sum", "env"):
            (self.bin / tool).symlink_to(shutil.which(tool) or "")
        self.put(self.bin / "python3", PYTHON)
        self.put(self.bin / "sudo", '#!/bin/bash\nexec "$@"\n')

    @staticmethod
    def put(path: Path, script: str) -> None:
        """A program."""
        path.write_text(script)
        path.chmod(0o755)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``install.sh`` from another folder, without a terminal."""
        return subprocess.run(
            ["bash", self.checkout / "install.sh", *arguments],
            cwd=self.folder,
            env={"PATH": str(self.bin), "NOTES": str(self.notes), "PARTS": str(self.parts)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def noted(self) -> list[str]:
        """What was asked of the stand-ins since the last call."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    """A machine with Python and without apt-get; the time zones are those of the real one."""
    return Machine(tmp_path, root)


def test_the_demo_installs_once_and_hands_its_options_on(machine: Machine) -> None:
    """From any folder, in a path with spaces and quotes; the second run asks nobody anything."""
    first = machine.run("--demo", "--listen", "127.0.0.1:0", "--journal", "a b")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.endswith(f"[{machine.folder}][sim][--listen][127.0.0.1:0][--journal][a b]")
    options = "--quiet --disable-pip-version-check --use-pep517 --constraint config/constraints.txt --editable .[sim]"
    assert machine.noted() == ["venv", f"pip in {machine.checkout}: -m pip install {options}"]
    second = machine.run("--demo")
    assert (second.returncode, second.stdout) == (0, f"[{machine.folder}][sim]")
    assert machine.noted() == []


@pytest.mark.parametrize("name", ["pyproject.toml", "config/constraints.txt"])
def test_changed_versions_are_installed_again_into_the_same_place(machine: Machine, name: str) -> None:
    machine.run("--demo")
    machine.noted()
    with (machine.checkout / name).open("a") as file:
        file.write("# changed\n")
    assert machine.run("--demo").returncode == 0
    assert [line.split()[0] for line in machine.noted()] == ["pip"]


def test_another_python_or_another_place_makes_a_new_environment(machine: Machine) -> None:
    machine.run("--demo")
    machine.noted()
    assert machine.run("--demo", MINOR="13").returncode == 0
    assert [line.split()[0] for line in machine.noted()] == ["venv", "pip"]
    machine.checkout = machine.checkout.rename(machine.folder / "moved")
    assert machine.run("--demo", MINOR="13").returncode == 0
    assert [line.split()[0] for line in machine.noted()] == ["venv", "pip"]


def test_an_installation_that_failed_is_tried_again(machine: Machine) -> None:
    """One line says what to do, and no half-made environment counts as made."""
    failed = machine.run("--demo", OFFLINE="1")
    assert failed.returncode == 1
    assert (
        failed.stderr
        == "install.sh: pip could not install the packages (see above); check the network and run this again\n"
    )
    assert machine.run("--demo").returncode == 0


@pytest.mark.parametrize("minor", ["9", "10", "14"])
def test_a_python_that_is_too_old_or_too_new(machine: Machine, minor: str) -> None:
    machine.put(machine.bin / "apt-get", APT)
    result = machine.run("--demo", MINOR=minor)
    assert result.returncode == 1
    assert f"needs Python 3.11, 3.12 or 3.13 with its venv module; python3 here is Python 3.{minor}.2" in result.stderr


@pytest.mark.parametrize("minor", ["11", "12", "13"])
def test_the_pythons_that_will_do(machine: Machine, minor: str) -> None:
    assert machine.run("--demo", MINOR=minor).returncode == 0


def test_another_distribution_is_told_what_is_missing(machine: Machine) -> None:
    (machine.bin / "python3").unlink()
    result = machine.run("--demo")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert re.match(
        r"install.sh: missing here; install it and run this again .*: python3 python3-venv\n", result.stderr
    )


def test_debian_installs_what_is_missing_and_says_so(machine: Machine) -> None:
    (machine.bin / "python3").rename(machine.parts / "python3")
    machine.put(machine.bin / "apt-get", APT)
    result = machine.run("--demo")
    assert result.returncode == 0, result.stderr
    assert "install.sh: installing Debian packages: python3 python3-venv\n" in result.stdout
    assert machine.noted()[:2] == [
        "apt-get -qq update",
        "apt-get -qq -y --no-install-recommends install python3 python3-venv",
    ]
    machine.run("--demo")
    assert machine.noted() == []


def test_the_tests_need_a_compiler_and_a_browser(machine: Machine) -> None:
    machine.put(machine.bin / "apt-get", APT)
    machine.run("--test", OFFLINE="1")
    noted = machine.noted()
    needed = {"python3-dev", "gcc", "libc6-dev", "pkg-config", "libsystemd-dev", "chromium", "openssl"}
    needed |= {"mmdebstrap", "systemd-container", "shellcheck", "strace"}
    assert set(noted[1].split(" install ")[1].split()) == needed
    assert noted[-1].endswith("--editable .[sim,test,service]")


def developers(machine: Machine) -> None:
    """Put there what a developer's machine has."""
    for tool in ("gcc", "pkg-config", "chromium", "openssl", "mmdebstrap", "systemd-nspawn", "shellcheck", "strace"):
        machine.put(machine.bin / tool, "#!/bin/bash\n")
    (machine.bin / "include").mkdir()
    (machine.bin / "include/Python.h").touch()


def test_what_the_tests_installed_will_do_for_the_demo(machine: Machine) -> None:
    """A developer's environment is not taken back by a demo."""
    developers(machine)
    assert machine.run("--test").returncode != 0  # the stand-in has no ruff
    machine.noted()
    assert machine.run("--demo").returncode == 0
    assert machine.noted() == []


def test_the_fuzzer_is_for_the_long_tier_alone(machine: Machine) -> None:
    """It has no wheel for every machine; what the long tier installed will do for the others."""
    developers(machine)
    assert machine.run("--test").returncode != 0  # the stand-in has no ruff
    assert machine.noted()[-1].endswith("--editable .[sim,test,service]")
    for arguments in (("--test", "--long"), ("--test",), ("--test", "--long"), ("--demo",)):
        machine.run(*arguments)
    (pip,) = machine.noted()
    assert pip.endswith("--editable .[sim,test,service,fuzz]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--purge"], "--purge goes with --uninstall"),
        (["--uninstall", "--wheels", "x"], "--uninstall takes only --purge, --force, --dry-run"),
        (["--uninstall", "--restore", "x"], "--uninstall takes only --purge, --force, --dry-run"),
        (["--restore"], "--restore needs a value"),
        (["--dry-run", "--token"], "--token needs a value"),
        (["--dry-run", "--demo"], "unknown option: --demo"),
        (["--tset"], "unknown option: --tset"),
        (["--test", "--longer"], "--test does not know: --longer"),
        (["--test", "--long", "x"], "--test does not know: x"),
    ],
)
def test_a_wrong_call_touches_nothing(machine: Machine, arguments: list[str], message: str) -> None:
    result = machine.run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"install.sh: {message}")
    assert "usage: sudo ./install.sh" in result.stderr
    assert machine.noted() == []


def test_what_is_no_backup_is_not_restored(machine: Machine, tmp_path: Path) -> None:
    """Its twin, with a backup, is in ``test_machine.py``."""
    (tmp_path / "kiosk.toml").write_text("")
    result = machine.run("--dry-run", "--restore", str(tmp_path))
    assert (result.returncode, machine.noted()) == (1, [])
    assert f"{tmp_path} is no backup" in result.stderr


def test_help(machine: Machine) -> None:
    result = machine.run("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("usage: sudo ./install.sh")
    assert "./install.sh --demo [OPTION...]" in result.stdout


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_a_strict_reader_finds_no_fault_in_the_scripts(root: Path) -> None:
    scripts = ["install.sh", "systemd/service.sh", ".ci/run", "tests/check"]
    read = subprocess.run(
        ["shellcheck", "--external-sources", *scripts], cwd=root, capture_output=True, text=True, check=False
    )
    assert (read.returncode, read.stdout + read.stderr) == (0, "")


@pytest.mark.parametrize("script", ["install.sh", ".ci/run", "tests/check"])
def test_scripts_can_be_run_and_stop_at_the_first_error(root: Path, script: str) -> None:
    assert os.access(root / script, os.X_OK)
    assert "\nset -euo pipefail\n" in (root / script).read_text()
    assert subprocess.run(["bash", "-n", root / script], check=False).returncode == 0


def test_ci_runs_the_whole_suite(root: Path) -> None:
    assert (root / ".ci/run").read_text().endswith("exec ./install.sh --test\n")


def test_every_dependency_has_an_exact_version(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for names in project["optional-dependencies"].values() for name in names),
    ]
    pinned = [line.split("==") for line in (root / "config/constraints.txt").read_text().splitlines() if line[0] != "#"]
    assert all(len(pin) == 2 for pin in pinned)
    names = {re.split(r"[\[<>=;]", name)[0].lower().replace("_", "-") for name in wanted} - {"kiosk"}
    assert names <= {name.lower().replace("_", "-") for name, _ in pinned}


def test_the_unit_runs_the_service_as_the_design_says(root: Path) -> None:
    """The lines that the program relies on; ``systemd-analyze verify`` reads the rest on a machine that has it."""
    lines = (root / "systemd/kiosk.service").read_text().splitlines()
    for line in (
        "ExecStopPost=-/opt/kiosk/current/bin/kiosk panel",
        *("Type=notify", "ExecStart=/opt/kiosk/current/bin/kiosk run", "TimeoutStopSec=20", "StateDirectory=kiosk"),
        *(
            "Restart=always",
            "RestartPreventExitStatus=2",
            "LoadCredential=mercadopago-token:/etc/kiosk/mercadopago-token",
        ),
    ):
        assert line in lines
    assert any(re.fullmatch(r"WatchdogSec=\d+", line) for line in lines)


# --- the service's part: functions of systemd/service.sh, with their files in a folder of the test --------------------


def service_part(root: Path, folder: Path, calls: str) -> str:
    """What these calls say; paths of the machine that they change lie in ``folder``."""
    (folder / "current/share").mkdir(parents=True, exist_ok=True)
    places = ("pi_model", "pi_boot", "pi_modules", "pi_watchdog", "settings", "token", "current", "catalog")
    script = "\n".join(
        (
            "set -euo pipefail",
            f"here={root}",
            "say() { printf '%s\\n' \"$*\"; }",
            f"source {root}/systemd/service.sh",
            *(f"{place}={folder}/{place}" for place in places),
            calls,
        )
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False, input="SECRET"
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_on_a_pi_the_panels_buses_and_the_watchdog_are_turned_on_once(root: Path, tmp_path: Path) -> None:
    """What follows a section for another model would be for that model alone."""
    (tmp_path / "pi_model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    (tmp_path / "pi_boot").write_text("dtparam=audio=on\ndtparam=spi=on\n[cm5]\ndtoverlay=dwc2\n")
    told = service_part(root, tmp_path, "set_up_pi; set_up_pi")
    assert told.count("reboot") == 2  # once it is told, twice it says "reboot"
    text = (tmp_path / "pi_boot").read_text()
    assert text.endswith("\n[cm5]\ndtoverlay=dwc2\n\n[all]\ndtparam=i2c_arm=on\ndtparam=i2c_arm_baudrate=400000\n")
    assert text.count("dtparam=spi=on") == 1
    assert "RuntimeWatchdogSec=15s" in (tmp_path / "pi_watchdog").read_text()


def test_what_is_no_pi_keeps_its_buses(root: Path, tmp_path: Path) -> None:
    (tmp_path / "pi_boot").write_text("")
    assert service_part(root, tmp_path, "set_up_pi") == ""
    (tmp_path / "pi_model").write_bytes(b"Some Other Board\0")
    assert service_part(root, tmp_path / "other", "set_up_pi") == ""
    assert (tmp_path / "pi_boot").read_text() == ""
    assert not (tmp_path / "pi_watchdog").exists()


def test_a_shops_configuration_is_never_changed_and_new_settings_are_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("[shop]\n")
    default = (root / "config/kiosk.toml").read_text()
    (tmp_path / "current/share").mkdir(parents=True)
    (tmp_path / "current/share/kiosk.toml").write_text(default.replace("\ncut = true\n", "\n"))
    told = service_part(root, tmp_path, "put_settings 9")
    assert told.splitlines()[1:] == ["  [printer] cut"]
    assert (tmp_path / "settings").read_text() == "[shop]\n"


def test_a_configuration_is_put_where_there_is_none(root: Path, tmp_path: Path) -> None:
    assert service_part(root, tmp_path, "put_settings 9") == ""
    assert (tmp_path / "settings").read_text() == (root / "config/kiosk.toml").read_text()


def test_the_token_is_for_root_alone_and_is_not_lost_by_a_second_run(root: Path, tmp_path: Path) -> None:
    told = service_part(root, tmp_path, "token_from=-; put_token; token_from=; put_token; is_filled_in || echo not yet")
    assert "SECRET" not in told
    assert (tmp_path / "token").read_text() == "SECRET\n"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_the_messages_are_explained_from_the_version_in_force(root: Path, tmp_path: Path) -> None:
    """A version of before has no explanations, and a journal that takes none stops no installation."""
    journal = 'journalctl() { printf "asked: %s\\n" "$*"; return "${broken:-0}"; }'
    told = service_part(
        root, tmp_path, f"{journal}; put_catalog {root}/systemd/kiosk.catalog; put_catalog /none; echo on"
    )
    assert told == "asked: --update-catalog\non\n"
    assert (tmp_path / "catalog").read_bytes() == (root / "systemd/kiosk.catalog").read_bytes()
    told = service_part(root, tmp_path, f"{journal}; broken=1; put_catalog {root}/systemd/kiosk.catalog; echo on")
    assert told.splitlines()[1:] == ["journalctl -x will not explain the kiosk's messages (see above)", "on"]
