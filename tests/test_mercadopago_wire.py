"""The client of one server: with the token, or without. What it makes of bad answers, ``test_mercadopago`` shows."""

from __future__ import annotations

from contextlib import closing

import pytest

from kiosk.config import Secret
from kiosk.mercadopago.answers import Reply
from kiosk.mercadopago.wire import Wire
from kiosk.sale.commands import Call
from kiosk.sale.events import Trouble, Unknown
from tests.scripted_server import ScriptedServer, answer

TOKEN = "APP_USR-1-abc"


def sent(token: str, most: int = 100, size: int = 10) -> tuple[dict[str, str], Reply | Unknown]:
    """The headers of a request, and what came of it."""
    with closing(ScriptedServer()) as server:
        server.play(answer(200, b"x" * size))
        url = f"http://127.0.0.1:{server.port}"
        with closing(Wire(url, Secret(token) if token else None, lambda: 0.0, most=most)) as wire:
            reply = wire.send(Call(request=1, until=5.0), "GET", "/x")
        return server.requests[0].headers, reply


def test_the_token_goes_only_where_it_was_given_for() -> None:
    assert sent(TOKEN)[0]["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in sent("")[0]


def test_an_answer_has_a_length_that_the_caller_chooses() -> None:
    reply = sent("", most=10, size=10)[1]
    assert isinstance(reply, Reply)
    assert reply.body == b"x" * 10
    too_long = sent("", most=9, size=10)[1]
    assert isinstance(too_long, Unknown)
    assert too_long.trouble is Trouble.NONSENSE


@pytest.mark.parametrize("token", ["two words", "é", "a\nb"])
def test_what_cannot_be_a_header_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="access token"):
        Wire("http://127.0.0.1:9", Secret(token), lambda: 0.0)


def test_a_text_without_a_token_to_hide_is_left_as_it_is() -> None:
    with closing(Wire("http://127.0.0.1:9", None, lambda: 0.0)) as wire:
        assert wire.discreet("a text\n") == "a text?"
        assert wire.discreet("TEST-123-abc Bearer x") == "******** ********"
