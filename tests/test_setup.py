"""What ``kiosk setup`` decides by itself; the whole command is in ``test_cli_setup``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kiosk.config import Secret
from kiosk.mercadopago.premises import Address, Premises
from kiosk.setup import SetupError, Shop, Wishes, find_shop, present, settings, text_of, write_settings, write_token
from tests.fake_shop import TOKEN, USER, account, on_the_wire
from tests.scripted_server import ScriptedServer, answer


class Agreeable:
    """Whoever is asked says yes, takes what is offered, and the last of a list."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str, option: str, default: str = "") -> str:
        return default or "something"

    def choose(self, question: str, option: str, names: Sequence[str]) -> int:
        return len(names) - 1

    def agree(self, question: str, option: str) -> bool:
        self.said.append(question)
        return True


class Refusing(Agreeable):
    """Whoever is asked says no."""

    def agree(self, question: str, option: str) -> bool:
        return False


@contextmanager
def told(url: str) -> Iterator[Premises]:
    with closing(Premises(url, Secret(TOKEN), lambda: 0.0)) as premises:
        yield premises


def no_address() -> Address:
    raise AssertionError("no new store was wanted")


def found(site: str = "MLB", desk: Agreeable | None = None) -> Shop:
    with on_the_wire(account("LOJA01", "CAIXA01", site=site)) as url, told(url) as premises:
        return find_shop(premises, desk or Agreeable(), Wishes(), no_address)


def test_the_last_of_a_list_is_a_new_one() -> None:
    fake = account("LOJA01", "CAIXA01")
    with on_the_wire(fake) as url, told(url) as premises:
        find_shop(premises, Agreeable(), Wishes(pos="CAIXA02"), no_address)
        shop = find_shop(premises, Agreeable(), Wishes(), no_address)
    assert shop.pos.external_id == "KIOSK01"
    assert len(fake.premises.points) == 3


def test_an_account_of_a_country_that_the_kiosk_does_not_know() -> None:
    user = {"id": USER, "site_id": "MLV", "nickname": "N"}
    with closing(ScriptedServer()) as server:
        server.play(answer(200, user))
        with (
            told(f"http://127.0.0.1:{server.port}") as premises,
            pytest.raises(SetupError, match="MLV, a country"),
        ):
            find_shop(premises, Agreeable(), Wishes(), no_address)
    assert found("MLU").account.site == "MLU"


def test_a_change_that_mercado_pago_only_seems_to_make() -> None:
    """The reference does not promise that an external id can be given later: it is looked at afterwards."""
    user = {"id": USER, "site_id": "MLB", "nickname": "N"}
    store = {"id": 1, "external_id": "LOJA01", "name": "S"}
    point = {"id": 2, "external_id": None, "name": "P", "fixed_amount": False, "store_id": 1}
    with closing(ScriptedServer()) as server:
        server.play(answer(200, user), answer(200, {"results": [store]}), answer(200, {"results": [point]}))
        server.play(answer(200, point), answer(200, point | {"fixed_amount": True}))
        with told(f"http://127.0.0.1:{server.port}") as premises, pytest.raises(SetupError, match="has not changed"):
            find_shop(premises, Agreeable(), Wishes(create=True, pos="K1"), no_address)


def test_only_what_differs_from_the_default_is_written(tmp_path: Path) -> None:
    shop = found()
    usual = settings(shop, "P", "https://api.mercadopago.com", Path("/etc/kiosk/mercadopago-token"))
    assert set(usual["mercadopago"]) == {"user_id", "external_store_id", "external_pos_id"}
    other = settings(shop, "P", "http://127.0.0.1:1", tmp_path)
    assert set(other["mercadopago"]) - set(usual["mercadopago"]) == {"base_url", "access_token_file"}


def test_what_nobody_agreed_to_is_not_written(tmp_path: Path) -> None:
    token, config = tmp_path / "token", tmp_path / "kiosk.toml"
    token.write_text("old")
    config.write_text("[shop]\n")
    with pytest.raises(SetupError, match="not changed"):
        write_token(token, Secret("new"), Refusing(), Wishes())
    with pytest.raises(SetupError, match="not changed"):
        write_settings(config, "", {"shop": {"name": "P"}}, Refusing(), Wishes())
    assert (token.read_text(), config.read_text()) == ("old", "[shop]\n")
    write_token(token, Secret("new"), Agreeable(), Wishes())
    assert token.read_text() == "new\n"


@pytest.mark.parametrize("text", ["[shop]\nsite = 'MLX'\nname = 'P'\n", "[shop\n", "[shop]\nnmae = 1\n"])
def test_a_configuration_with_a_mistake_stays_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text)
    with pytest.raises(SetupError, match=r"kiosk\.toml"):
        write_settings(path, "", {"shop": {"name": "Q"}}, Agreeable(), Wishes())
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_present_value_is_read_from_any_text() -> None:
    assert present("[shop]\nname = 'P'\n", "shop", "name") == "P"
    for text in ("[shop]\nname = 'EXAMPLE SHOP'\n", "[shop\n", "shop = 1\n", "[shop]\nname = 1\n", ""):
        assert present(text, "shop", "name") == ""


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    assert text_of(tmp_path / "none", "template") == "template"
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name in ("latin", "."):
        with pytest.raises(SetupError):
            text_of(tmp_path / name, "template")
