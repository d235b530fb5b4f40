"""The virtual counter with a stand-in for the kiosk (a real process on the real wires): everything in and out of it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk.sim.counter import IsReal, VirtualCounter
from kiosk.sim.wires import NobodyReads
from kiosk.sim.world import make_plan, set_up

pytestmark = pytest.mark.slow

STANDIN = (sys.executable, str(Path(__file__).with_name("standin_kiosk.py")))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again; looking takes the time of a question to the kiosk."""
    async with asyncio.timeout(30):
        while not await condition():
            pass


async def until_state(counter: VirtualCounter, state: str) -> None:
    async def reached() -> bool:
        return (await counter.state())["state"] == state

    await until(reached)


@asynccontextmanager
async def standing(private: Path, *real: str) -> AsyncIterator[VirtualCounter]:
    """A counter whose kiosk has power and is kept running."""
    async with set_up(make_plan(None, None, frozenset(real), STANDIN), private) as counter:
        keeping = asyncio.create_task(counter.kiosk.keep())
        counter.kiosk.power_on()
        await until_state(counter, "idle")
        yield counter
        await counter.kiosk.cut()
        keeping.cancel()


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


def lit(counter: VirtualCounter) -> int:
    return Image.open(io.BytesIO(counter.screen_png())).convert("L").histogram()[255]


# --- in and out ---------------------------------------------------------------------------------------------------


def test_keys_reach_the_kiosk_and_its_state_screen_pixels_and_paper_come_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("2500")
            state = await counter.state()
            assert state["state"] == "entering"
            assert set(state) == {"state", "sale", "health", "obligations"}
            assert (await counter.screen()).splitlines()[0] == "2500"
            assert lit(counter) == 8 * len("2500")
            assert counter.paper() == ""
            await counter.press("#")
            assert counter.paper() == "2500\n"
            assert Image.open(io.BytesIO(counter.paper_png())).height > 0

    run(story())


def test_a_key_held_down_arrives_as_such(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("7", held=True)
            assert (await counter.screen()).splitlines()[::2] == ["7", "held 7"]

    run(story())


def test_the_kiosk_reaches_the_fake_account_with_its_token_over_the_line(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("A")
            assert "123456789" in await counter.screen()

    run(story())


def test_the_customer_finds_nothing_to_pay_on_an_empty_pos_and_an_order_once_there_is_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            assert counter.customer("scan")["ok"] is False
            with pytest.raises(ValueError, match="steal"):
                counter.customer("steal")

    run(story())


def test_the_kiosk_is_given_its_own_world_and_nothing_of_a_service_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")

    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("B")
            given = json.loads((await counter.screen()).splitlines()[1])
            assert given["environ"]["KIOSK_COUNTER"] == str(tmp_path)
            assert given["environ"]["KIOSK_CONTROL"] == str(tmp_path / "control.sock")
            assert not {"NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"} & set(given["environ"])
            assert given["argv"][1:] == [
                *("run", "--config", str(tmp_path / "kiosk.toml"), "--journal", str(tmp_path / "journal.db"))
            ]
            token = Path(given["config"]["mercadopago"]["access_token_file"])
            assert token.parent == tmp_path
            assert token.stat().st_mode & 0o077 == 0
            assert token.read_text() not in json.dumps(given)  # Neither in the environment nor on a command line (L10).

    run(story())


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_after_a_power_cut_the_kiosk_is_off_and_dark_and_begins_again_with_the_same_journal(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("25#")
            await counter.state()  # The stand-in draws when it is asked.
            assert lit(counter) == 16
            await counter.trouble("power-cut", True)
            assert await counter.state() == {"state": "off", "sale": None, "health": None, "obligations": None}
            assert await counter.screen() == ""
            assert lit(counter) == 0
            assert counter.paper() == "25\n"
            with pytest.raises(NobodyReads):
                await counter.press("1")
            await counter.trouble("power-cut", False)
            await until_state(counter, "entering")
            assert (await counter.screen()).splitlines()[0] == "25"
            assert "stopped" not in (tmp_path / "journal.db").read_text()  # It was not asked; it was killed.

    run(story())


def test_a_kiosk_that_crashes_is_starting_and_comes_back_by_itself(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            with pytest.raises(NobodyReads):
                await counter.press("25C")
            assert (await counter.state())["state"] == "starting"
            await until_state(counter, "entering")
            assert (await counter.screen()).splitlines()[0] == "25"

    run(story())


def test_without_paper_the_printer_keeps_what_it_is_sent_and_prints_it_later(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.trouble("paper-out", True)
            await counter.press("25#")
            assert counter.paper() == ""
            await counter.trouble("paper-out", False)
            assert counter.paper() == "25\n"

    run(story())


def test_an_unplugged_printer_is_refused_and_a_plugged_one_prints(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.trouble("printer-unplugged", True)
            await counter.press("25")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", counter.printer.port if counter.printer else 0)
            await counter.trouble("printer-unplugged", False)
            await counter.press("#")
            assert counter.paper() == "25\n"

    run(story())


def test_a_mute_printer_is_told_by_its_silence_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.trouble("printer-mute", True)
            assert counter.printer is not None
            reader, writer = await asyncio.open_connection("127.0.0.1", counter.printer.port)
            writer.write(b"x\n\x10\x04\x01")
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            assert counter.paper() == "x\n"

    run(story())


def test_an_unplugged_display_is_dark_and_the_kiosk_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("25")
            await counter.trouble("display-unplugged", True)
            assert lit(counter) == 0
            assert (await counter.state())["health"] == {"trouble": None, "panel": "OSError 121"}
            await counter.trouble("display-unplugged", False)
            assert (await counter.state())["health"] == {"trouble": None, "panel": "ok"}
            assert lit(counter) == 16

    run(story())


def test_a_bad_keypad_types_what_a_good_one_does_and_a_jammed_key_once(tmp_path: Path) -> None:
    """Also for a kiosk that starts while the key is jammed: it finds it down."""

    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.trouble("keypad-bouncing", True)
            await counter.press("2550")
            assert (await counter.screen()).splitlines()[0] == "2550"
            await counter.trouble("keypad-stuck", True)
            await counter.press("157")
            assert (await counter.screen()).splitlines()[0] == "2550517"
            await counter.trouble("power-cut", True)
            await counter.trouble("power-cut", False)
            await until_state(counter, "entering")
            await counter.press("5")
            assert (await counter.screen()).splitlines()[0] == "25505175"
            await counter.trouble("keypad-stuck", False)
            await counter.press("5")
            assert (await counter.screen()).splitlines()[0] == "255051755"

    run(story())


def test_the_accounts_troubles_are_in_the_same_list(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            assert {"no-network", "answer-lost", "mp-down", "mp-slow", "paper-out", "power-cut"} <= set(
                counter.troubles()
            )
            assert not any(counter.troubles().values())
            await counter.trouble("no-network", True)
            await counter.trouble("paper-out", True)
            assert {name for name, on in counter.troubles().items() if on} == {"no-network", "paper-out"}
            with pytest.raises(ValueError, match="flood"):
                await counter.trouble("flood", True)

    run(story())


# --- what is real ---------------------------------------------------------------------------------------------------


def test_what_is_real_is_not_here_and_cannot_fail_here(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path, "printer", "display", "keypad") as counter:
            with pytest.raises(IsReal):
                counter.paper()
            with pytest.raises(IsReal):
                counter.paper_png()
            with pytest.raises(IsReal):
                counter.screen_png()
            with pytest.raises(IsReal):
                await counter.press("1")
            mine = {"paper-out", "paper-low", "cover-open", "printer-unplugged", "printer-pulled", "printer-mute"}
            mine |= {"display-unplugged", "keypad-stuck", "keypad-bouncing"}
            assert not mine & set(counter.troubles())
            assert "power-cut" in counter.troubles()
            assert not list(tmp_path.glob("keypad.sock")) + list(tmp_path.glob("display.sock"))
            view = await counter.view()
            assert (view["paper"], view["pixels"], view["keypad"]) == (None, None, False)

    run(story())


def test_with_the_real_account_there_is_no_fake_customer(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[shop]\nname = "Shop"\nsite = "MLA"\n'
        '[mercadopago]\nuser_id = 1\nexternal_store_id = "S1"\nexternal_pos_id = "P1"\n'
    )

    async def story() -> None:
        plan = make_plan(own, None, frozenset({"mercadopago"}), STANDIN)
        async with set_up(plan, tmp_path) as counter:
            with pytest.raises(IsReal):
                counter.customer("pay")
            with pytest.raises(IsReal):
                counter.phone()
            assert "no-network" not in counter.troubles()
            view = await counter.view()
            assert (view["phone"], view["supervisor"]) == (None, None)
            assert not (tmp_path / "supervisors").exists()
            assert not (tmp_path / "token").exists()

    run(story())


def test_the_page_sees_that_pictures_have_changed(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            before = await counter.view()
            await counter.press("2#")
            after = await counter.view()
            assert before["pixels"] != after["pixels"]
            assert before["paper"] != after["paper"]

    run(story())


def test_the_page_sees_the_lights_and_hears_what_was_played_and_nothing_without_power(tmp_path: Path) -> None:
    async def story() -> None:
        async with standing(tmp_path) as counter:
            await counter.press("2")
            view = await counter.view()
            assert (view["lights"], view["tune"]) == ({"green": "flash", "red": "dark"}, "click")
            await counter.trouble("power-cut", True)
            view = await counter.view()
            assert (view["state"], view["lights"], view["tune"]) == ("off", None, None)

    run(story())
