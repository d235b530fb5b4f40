"""The kiosk as a child of the counter's world: switched on, cut off, and started again as its service would be.

A power cut is a real ``SIGKILL``. A kiosk that ends by itself is started again after a second, as the service manager
does it, except with status 2: its arguments or its configuration are wrong, and trying again changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from kiosk.sim import leash

USAGE: Final = 2
"""Exit status of a program that was called wrongly."""
STOP_S: Final = 20.0
"""How long a kiosk may take to stop: the service's ``TimeoutStopSec``."""
_STDERR: Final = 2


class Kiosk:
    """One kiosk; ``keep`` must be running for anything to happen. Used by the event loop's thread alone."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        afterwards: Sequence[str] = (),
        restart_s: float = 1.0,
    ) -> None:
        """``command`` begins with the path of a program. Both its outputs go to the world's standard error.

        ``afterwards`` is run when it has ended by itself, before it is started again, as ``ExecStopPost=`` is; it must
        end by itself, too.
        """
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid())]
        self._command = [*leashed, *command]
        self._afterwards = [*leashed, *afterwards] if afterwards else []
        self._environment = dict(environment)
        self._restart_s = restart_s
        self._power = asyncio.Event()
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def powered(self) -> bool:
        """Whether there is power; the program may still be down for the second between two starts."""
        return self._power.is_set()

    @property
    def pid(self) -> int | None:
        """The program that is running now."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def keep(self) -> int:
        """Run the program whenever there is power; returns its status when it says that it was called wrongly."""
        while True:
            await self._power.wait()
            status = await self._run(self._command)
            if status == USAGE:
                return status
            if self.powered:
                sys.stderr.write(f"kiosk sim: the kiosk ended (status {status}); starting it again\n")
                if self._afterwards:
                    await self._run(self._afterwards)
                await asyncio.sleep(self._restart_s)

    async def _run(self, command: Sequence[str]) -> int | None:
        async with self._starting:
            if not self.powered:
                return None
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=_STDERR,
                start_new_session=True,  # A Ctrl-C in the terminal is for the world, which stops the kiosk in order.
            )
        return await self._process.wait()

    def power_on(self) -> None:
        """Give it power; without effect where it has some."""
        self._power.set()

    async def cut(self) -> None:
        """Pull the plug; returns when the program is dead."""
        await self._end(signal.SIGKILL)

    async def stop(self, within_s: float = STOP_S) -> None:
        """Ask the program to end, and kill it when it has not ended in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._end(signal.SIGTERM)
                return
        await self.cut()

    def kill(self) -> None:
        """Kill the program that is running, if one is."""
        self._signal(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        self._power.clear()
        async with self._starting:  # One that is just being started is ended, too.
            self._signal(how)
        if self._process is not None:
            await self._process.wait()

    def _signal(self, how: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):  # Dead, and not yet known to be.
                os.kill(self.pid, how)
