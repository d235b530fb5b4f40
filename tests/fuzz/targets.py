"""All targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

from tests.fuzz import account, devices, double, files, machine, refunds
from tests.fuzz.claims import Found
from tests.fuzz.mutation import Mutator, in_any_bytes, in_json, in_toml

CORPUS: Final = Path(__file__).parent / "corpus"
Check: TypeAlias = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """One parser, or several that read the same."""

    name: str
    check: Check
    mutate: Mutator
    about: str
    inputs: int = 400
    """Generated inputs for the slow tier: half a second's worth or so."""

    def seeds(self) -> list[bytes]:
        """The committed documents, in the order of their names."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]

    def run(self, data: bytes) -> None:
        """Check one input.

        Raises:
            Found: a promise is broken, or something else was raised; it says what, and for what.
        """
        try:
            self.check(data)
        except Found as found:
            raise Found(f"{self.name}: {found}") from found
        except Exception as crash:
            raise Found(f"{self.name}: {type(crash).__name__}: {crash}, for {data[:2000]!r}") from crash

    def generated(self, seed: int) -> Iterator[bytes]:
        """Inputs without end, the same for the same seed; each is a changed seed, or a changed earlier input."""
        random, seeds = Random(seed), self.seeds()
        pool = [*seeds]
        while True:
            data = self.mutate(random.choice(pool if random.randrange(3) == 0 else seeds), random)
            if random.randrange(4) == 0 and len(pool) < 200 and len(data) < 10_000:
                pool.append(data)
            yield data


TARGETS: Final = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("look", account.looked, in_json, "orders and payments found by a look", 3000),
            Target("statement", account.stated, in_json, "the account's payments of a time", 1000),
            Target("refunds", refunds.refunds_told, in_json, "a payment's refunds, and giving back", 1000),
            Target("answer", account.answered, in_json, "statuses, error bodies, what the POS holds, the account"),
            Target("amount", account.amount_read, in_any_bytes, "numbers as minor units", 2000),
            Target("headers", account.headers, in_any_bytes, "Date and Retry-After"),
            Target("wire", account.wired, in_any_bytes, "whole HTTP answers, to the real adapter", 200),
            Target("printer", devices.printer_says, in_any_bytes, "status bytes"),
            Target("keypad", devices.keypad_samples, in_any_bytes, "samples of the matrix"),
            Target("control", devices.control_request, in_json, "requests on the control socket"),
            Target("notices", devices.notice_heard, in_json, "notifications, or what looks like them", 2000),
            Target("config", files.configured, in_toml, "kiosk.toml", 400),
            Target("token", files.token_read, in_any_bytes, "the access token's file", 100),
            Target("rows", files.rows_read, in_json, "rows of the journal", 4000),
            Target("journal", files.journal_file, in_any_bytes, "the journal's file", 100),
            Target("resume", machine.resumed, in_any_bytes, "a boot on any rows, and what comes after", 200),
            Target("put", double.order_put, in_json, "orders put to the fake Mercado Pago"),
            Target("books", double.account_read, in_any_bytes, "what the fake Mercado Pago shows", 200),
        )
    }
)


def tidy() -> None:
    """End the threads and remove the files that targets made for themselves."""
    account.unwire()
    devices.hang_up()
    files.clear_away()
