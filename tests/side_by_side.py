"""Stories of virtual counters, told side by side: most of their time is waiting.

Each story has a counter of its own; they share nothing but the machine. Only the stories that were selected are told,
and a test is the end of its story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import pytest

from tests.counter_client import Counter, virtual_counter

C = TypeVar("C", bound=Counter)
Story: TypeAlias = Callable[[Counter], None]
Told: TypeAlias = Callable[[Story], None]
"""Waits for the end of a story, and fails as it did."""

AT_ONCE: Final = 6
"""Counters at the same time: each is two processes, which mostly wait."""


@contextmanager
def told_side_by_side(stories: Sequence[Story], folder: Path, shops: Mapping[Story, str]) -> Iterator[Told]:
    """Begin to tell the stories, first come first served; ``shops``: the configurations of those that need one."""

    def opened(story: Story, own: Path) -> AbstractContextManager[Counter]:
        return virtual_counter(own, shop=shops.get(story, ""))

    with told_at(opened, stories, folder) as told:
        yield told


@contextmanager
def told_at(
    opened: Callable[[Callable[[C], None], Path], AbstractContextManager[C]],
    stories: Sequence[Callable[[C], None]],
    folder: Path,
) -> Iterator[Callable[[Callable[[C], None]], None]]:
    """Begin to tell the stories, each at the counter that is opened for it in a folder of its own."""

    def tell(story: Callable[[C], None]) -> None:
        own = folder / story.__name__
        own.mkdir()
        with opened(story, own) as counter:
            story(counter)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends: dict[Callable[[C], None], Future[None]] = {story: pool.submit(tell, story) for story in stories}
        try:
            yield lambda story: ends[story].result()
        finally:
            pool.shutdown(cancel_futures=True)


def selected(request: pytest.FixtureRequest) -> list[Any]:
    """The stories of the requesting module that this run of pytest is to tell, in their order."""
    calls = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    return [call["story"] for call in calls if "story" in call]
