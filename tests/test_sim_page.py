"""The virtual counter's HTTP interface: what is let in, what is refused and how, what comes back."""

from __future__ import annotations

import asyncio
import io
import json
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from PIL import Image

from kiosk.config import load
from kiosk.sale.events import Key
from kiosk.sim.counter import VirtualCounter
from kiosk.sim.page import FILES, is_from_here, page
from kiosk.sim.remote import RemoteKeypad
from kiosk.sim.world import make_plan, set_up
from kiosk.supervisors import Supervisors

HERE = "http://127.0.0.1:8080"
Story = Callable[[VirtualCounter, httpx.AsyncClient], Awaitable[None]]


@asynccontextmanager
async def asked(private: Path, *real: str) -> AsyncIterator[tuple[VirtualCounter, httpx.AsyncClient]]:
    """A counter whose kiosk has no power, and somebody who asks it."""
    plan = make_plan(None, None, frozenset(real), (sys.executable, "-c", ""))
    async with set_up(plan, private) as counter:
        transport = httpx.ASGITransport(page(counter))
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            yield counter, client


def tell(private: Path, story: Story, *real: str) -> None:
    async def whole() -> None:
        async with asked(private, *real) as (counter, client), asyncio.timeout(60):
            await story(counter, client)

    asyncio.run(whole())


def is_one_line_error(response: httpx.Response, status: int) -> bool:
    problem = response.json()
    return response.status_code == status and list(problem) == ["error"] and "\n" not in problem["error"]


# --- keys ---------------------------------------------------------------------------------------------------------


def test_keys_are_answered_when_the_kiosk_has_taken_them(tmp_path: Path) -> None:
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story(counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        keypad = await asyncio.to_thread(RemoteKeypad, tmp_path / "keypad.sock", taken.put, lambda: None)
        while counter.keys is None or not counter.keys.listeners:
            await asyncio.sleep(0)
        answer = await client.post("/keys", json={"keys": "0123456789#*ABCD"})
        assert (answer.status_code, answer.json()) == (200, {"taken": "0123456789#*ABCD"})
        assert [taken.get().key for _ in range(16)] == list("0123456789#*ABCD")
        assert (await client.post("/keys", json={"keys": "*", "held": True})).status_code == 200
        assert [taken.get(), taken.get()] == [Key("*"), Key("*", held=True)]
        await asyncio.to_thread(keypad.close)

    tell(tmp_path, story)


def test_keys_that_nobody_takes_are_503(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        assert is_one_line_error(await client.post("/keys", json={"keys": "1"}), 503)

    tell(tmp_path, story)


NONSENSE: list[tuple[str, bytes]] = [
    ("/keys", b""),
    ("/keys", b"2500#"),
    ("/keys", b"[]"),
    ("/keys", b"{}"),
    ("/keys", b'{"keys": ""}'),
    ("/keys", b'{"keys": 25}'),
    ("/keys", b'{"keys": "a"}'),
    ("/keys", b'{"keys": "1 2"}'),
    ("/keys", '{"keys": "٣"}'.encode()),
    ("/keys", b'{"keys": "1", "held": 1}'),
    ("/keys", b"[" * 4000),
    ("/keys", b'{"keys": "' + b"1" * 5000 + b'"}'),
    ("/keys", b'{"keys": "\xff"}'),
    ("/customer", b"{}"),
    ("/customer", b'{"action": "steal"}'),
    ("/customer", b'{"action": ["pay"]}'),
    ("/trouble", b'{"name": "flood", "on": true}'),
    ("/trouble", b'{"name": "paper-out"}'),
    ("/trouble", b'{"name": "paper-out", "on": 1}'),
    ("/trouble", b'{"name": "no-network", "on": "yes"}'),
]


def test_nonsense_is_400_with_one_line_and_changes_nothing(tmp_path: Path) -> None:
    async def story(counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        for path, body in NONSENSE:
            assert is_one_line_error(await client.post(path, content=body), 400), body[:40]
        assert not any(counter.troubles().values())

    tell(tmp_path, story)


def test_another_path_or_method_is_an_error_of_one_line_too(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        assert is_one_line_error(await client.get("/nothing"), 404)
        assert is_one_line_error(await client.get("/keys"), 405)
        assert is_one_line_error(await client.get("/page/../page.py"), 404)

    tell(tmp_path, story)


def test_who_may_give_the_fake_accounts_money_back_is_told(tmp_path: Path) -> None:
    """And stands in a private file of the kiosk's own form."""

    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        told = (await client.get("/view")).json()["supervisor"]
        file = tmp_path / "supervisors"
        assert Supervisors(file.read_text().splitlines()).whose(told["pin"]) == told["name"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert load(tmp_path / "kiosk.toml").supervisors == str(file)

    tell(tmp_path, story)


# --- what comes back ------------------------------------------------------------------------------------------------


def test_state_screen_and_paper(tmp_path: Path) -> None:
    async def story(counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        state = await client.get("/state")
        assert state.json() == {"state": "off", "sale": None, "health": None, "obligations": None}
        assert (await client.get("/screen")).text == ""
        assert (await client.get("/paper")).text == ""
        assert counter.printer is not None
        counter.printer.take("Pão 25,00\n".encode("cp437", "replace"))
        assert (await client.get("/paper")).text == "P?o 25,00\n"
        for path, size in (("/screen.png", (128, 64)), ("/paper.png", None)):
            answer = await client.get(path)
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["cache-control"] == "no-store"
            assert size in (None, Image.open(io.BytesIO(answer.content)).size)

    tell(tmp_path, story)


def test_the_customers_answer_is_the_phones(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        answer = await client.post("/customer", json={"action": "pay"})
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "screen": "waiting"})
        shown = (await client.get("/phone")).json()
        assert (shown["screen"], shown["scanned"], shown["items"]) == ("waiting", True, [])

    tell(tmp_path, story)


def test_troubles_are_listed_begun_and_ended(tmp_path: Path) -> None:
    async def story(counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        names: dict[str, bool] = (await client.get("/trouble")).json()["names"]
        assert set(names) == set(counter.troubles())
        words = (await client.get("/page/counter.js")).text
        assert [name for name in names if f'  "{name}": "' not in words] == []  # each has a switch with words on it
        for name in names:
            begun = await client.post("/trouble", json={"name": name, "on": True})
            assert begun.json()["names"][name] is True
            ended = await client.post("/trouble", json={"name": name, "on": False})
            assert ended.json()["names"][name] is False

    tell(tmp_path, story)


def test_what_is_real_is_404_and_says_so(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        for path in ("/paper", "/paper.png", "/screen.png"):
            answer = await client.get(path)
            assert is_one_line_error(answer, 404)
            assert "real" in answer.json()["error"]
        assert is_one_line_error(await client.post("/keys", json={"keys": "1"}), 404)
        assert (await client.get("/state")).status_code == 200

    tell(tmp_path, story, "printer", "display", "keypad")


def test_the_page_and_its_files_are_served_and_ask_nobody_else(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        index = await client.get("/")
        assert index.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in index.headers["content-security-policy"]
        for file in FILES.iterdir():
            if file.name != "index.html":
                assert f"/page/{file.name}" in index.text
                assert (await client.get(f"/page/{file.name}")).text == file.read_text(encoding="utf-8")
            assert "//" not in file.read_text(encoding="utf-8").replace("// ", "")  # No address of anything elsewhere.

    tell(tmp_path, story)


def test_the_view_has_all_that_the_page_shows(tmp_path: Path) -> None:
    async def story(_counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        view: dict[str, Any] = (await client.get("/view")).json()
        assert view["state"] == "off"
        assert view["phone"]["screen"] == "waiting"
        assert view["keypad"] is True
        assert {"pixels", "paper", "troubles", "sale", "health", "obligations"} <= set(view)
        assert json.dumps(view)

    tell(tmp_path, story)


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost", "127.0.0.1", "LOCALHOST:1"]
)
def test_this_machines_own_names_are_let_in(host: str) -> None:
    assert is_from_here({"host": host})
    assert is_from_here({"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "kiosk.example.com:8080"},
        {"host": "127.0.0.1.example.com:8080"},
        {"host": "example.com@127.0.0.1"},
        {"host": "192.168.1.5:8080"},
        {"host": "[::2]:8080"},
        {"host": "127.0.0.1:8080", "origin": "http://example.com"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:9999"},
        {"host": "127.0.0.1:8080", "origin": "https://127.0.0.1:8080"},
        {"host": "127.0.0.1:8080", "origin": "null"},
    ],
)
def test_others_are_not(headers: dict[str, str]) -> None:
    assert not is_from_here(headers)


def test_a_page_elsewhere_can_neither_press_keys_nor_look(tmp_path: Path) -> None:
    async def story(counter: VirtualCounter, client: httpx.AsyncClient) -> None:
        rebound = {"host": "evil.example:8080"}
        across = {"origin": "http://evil.example"}
        switch = {"name": "paper-out", "on": True}
        for headers in (rebound, across):
            assert is_one_line_error(await client.post("/trouble", json=switch, headers=headers), 403)
            assert is_one_line_error(await client.get("/state", headers=headers), 403)
        assert counter.troubles()["paper-out"] is False
        assert (await client.post("/trouble", json=switch, headers={"origin": HERE})).status_code == 200
        assert counter.troubles()["paper-out"] is True

    tell(tmp_path, story)
