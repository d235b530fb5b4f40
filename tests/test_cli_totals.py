"""``kiosk totals`` and ``kiosk close``."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.cli import main
from kiosk.journal import SqliteJournal
from kiosk.sale.days import Close
from kiosk.sale.records import Line, Phase, Sale
from tests.cli_shop import NOON, configured, with_sales
from tests.refund_records import another, done

HOUR = 3600.0


def totals(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str) -> tuple[int, str, str]:
    status = main(["totals", "--config", str(config), *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def figures(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str) -> dict[str, object]:
    status, out, err = totals(capsys, config, *arguments, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A paid and a cancelled sale, closed; then another one."""
    config = with_sales(tmp_path)
    later = Sale(
        *("POS-9-x", 9, 700, "BRL", (Line("a", 1, 700),), "key", NOON + 86_400, Phase.PAID),
        payments=("999",),
        paid_at=NOON + 86_400,
        late=True,
    )
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        day = journal.day()
        assert day is not None
        journal.save([Close(1, NOON + 3600, day.after, day.upto, day.totals, disputed=1, disputed_cents=5)], [], NOON)
        journal.save([later], [], NOON)
    return config


def test_the_totals_since_the_last_z(capsys: pytest.CaptureFixture[str], closed: Path) -> None:
    found = figures(capsys, closed)
    assert found == {
        "since": "2026-11-30T16:00:00+00:00",
        "currency": "BRL",
        "sales": 1,
        "cents": 700,
        "amount": "7.00",
        "late": 1,
        "late_cents": 700,
        "not_paid": 0,
        "refunds": 0,
        "refunded_cents": 0,
        "refunded": "0.00",
    }
    _, out, _ = totals(capsys, closed)
    assert "amount           7.00\n" in out
    assert "cents" not in out


def test_what_was_given_back_is_in_the_totals(capsys: pytest.CaptureFixture[str], closed: Path, tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save([done(), another()], [], NOON)
    for where in ((), ("--day", "2026-11-30")):
        found = figures(capsys, closed, *where)
        assert (found["refunds"], found["refunded_cents"], found["refunded"]) == (1, 2500, "25.00")
    assert "refunds          1\nrefunded         25.00\n" in totals(capsys, closed)[1]
    assert figures(capsys, closed, "--z", "1")["refunds"] == 0


def test_the_totals_of_a_closed_day(capsys: pytest.CaptureFixture[str], closed: Path) -> None:
    found = figures(capsys, closed, "--z", "1")
    assert (found["z"], found["cents"], found["not_paid"], found["to_settle"]) == (1, 250_000, 1, 1)
    assert found["agreed_until"] is None
    assert totals(capsys, closed, "--z", "2")[2].startswith("kiosk: there is no Z 2 in ")


def test_the_totals_of_a_day_of_the_calendar(capsys: pytest.CaptureFixture[str], closed: Path) -> None:
    assert figures(capsys, closed, "--day", "2026-11-30")["cents"] == 250_000
    assert figures(capsys, closed, "--day", "2026-12-01")["cents"] == 700
    assert figures(capsys, closed, "--day", "2026-12-02")["sales"] == 0


@pytest.mark.parametrize("month", [4, 9])
def test_each_sale_is_in_one_day_where_the_clocks_change(
    month: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """In Santiago a day of April 2030 has 25 hours, and one of September 23."""
    config = configured(tmp_path)
    config.write_text(config.read_text().replace('timezone = "UTC"', 'timezone = "America/Santiago"'))
    zone, begin = ZoneInfo("America/Santiago"), datetime(2030, month, 5, 4, 30, tzinfo=UTC).timestamp()
    sold = [
        Sale(
            *(f"POS-{n}-x", n, 100, "BRL", (Line("a", 1, 100),), "key", at, Phase.PAID),
            payments=(f"p{n}",),
            paid_at=at,
        )
        for n, at in enumerate((begin + HOUR * hour for hour in range(96)), 1)
    ]
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save(sold, [], 0.0)
    days = [date(2030, month, 4) + timedelta(days=n) for n in range(7)]
    counted = [figures(capsys, config, "--day", day.isoformat())["sales"] for day in days]
    by_label = [sum(datetime.fromtimestamp(s.made_at, zone).date() == day for s in sold) for day in days]
    assert counted == by_label
    assert sum(by_label) == 96
    assert (25 if month == 4 else 23) in by_label


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--print",), "kiosk: --print needs --z N; the open day's X is in the menu\n"),
        (("--print", "--z", "1"), "kiosk: the kiosk does not run: systemctl start kiosk\n"),
    ],
)
def test_what_cannot_be_printed_here(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str], closed: Path
) -> None:
    assert totals(capsys, closed, *arguments) == (1, "", complaint)


def test_no_day_is_closed_without_the_kiosk(capsys: pytest.CaptureFixture[str], closed: Path) -> None:
    assert main(["close", "--config", str(closed)]) == 1
    assert capsys.readouterr().err == "kiosk: the kiosk does not run: systemctl start kiosk\n"


def test_a_day_and_a_z_are_not_asked_for_at_once(capsys: pytest.CaptureFixture[str], closed: Path) -> None:
    with pytest.raises(SystemExit):
        totals(capsys, closed, "--day", "2026-11-30", "--z", "1")
