"""What is selected, between the pages that show a job and Python: the last choice wins everywhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGES = 16


class Selection(Protocol):
    """Which trials of a job are selected. Thread-safe."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The trials."""

    @property
    def revision(self) -> int:
        """Grows with every choice."""

    def choose(self, numbers: Iterable[int]) -> None:
        """Select these and no others."""


class Choice:
    """Tells the pages of one dashboard what is selected, and each up to which choice of its own that holds.

    A page goes on choosing while the kernel's word travels: what does not know of its last choice is old to
    it. Messages are heard on any thread, the head is read by the publisher's.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        self._known: tuple[int, dict[str, int]] = (0, {})
        self._head: dict[str, Any] = {}

    def hear(self, message: dict[str, Any], numbers: Iterable[int]) -> None:
        """Take a page's choice over."""
        page, count = message.get("c"), message.get("count")
        with self._lock:
            self._selection.choose(numbers)
            if isinstance(page, str) and isinstance(count, int):
                # Noted after it is chosen and read before: who is said to be heard is.
                seen = {name: known for name, known in self._seen.items() if name != page}
                self._seen = dict([*seen.items(), (page, count)][-_PAGES:])

    def head(self) -> dict[str, Any]:
        """Return what the pages have to know; empty where nothing was ever chosen."""
        seen, revision = self._seen, self._selection.revision
        if not revision:
            return {}
        if self._known != (revision, seen):
            # Asked for with every frame, and ten thousand may be selected.
            self._known = (revision, seen)
            self._head = {"numbers": list(self._selection.numbers), "seen": seen}
        return self._head
