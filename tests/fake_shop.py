"""A fake account served on a real socket, for commands that run in this process or in another one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.served import bound, served

TOKEN = "APP_USR-1234567890123456-112500-0123456789abcdef0123456789abcdef-555000111"
USER = 555000111


def account(store: str = "", pos: str = "", *, site: str = "MLB", test: bool = False) -> FakeMercadoPago:
    """An account, without store and POS unless they are named."""
    return FakeMercadoPago(
        wall=time.time, token=TOKEN, user_id=USER, store=store, pos=pos, site=site, test_account=test
    )


@contextmanager
def on_the_wire(fake: FakeMercadoPago) -> Iterator[str]:
    """The same, answering at the address."""
    listener = bound("127.0.0.1", 0)
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    up = threading.Event()

    async def serve() -> None:
        async with served(fake.app, listener, date_header=False):
            up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
