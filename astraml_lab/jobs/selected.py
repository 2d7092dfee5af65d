"""The trials that people have selected: one choice per job, shared by its pages and by Python."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Selected:
    """Numbers of trials in the order in which they were chosen; the last choice wins. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: tuple[int, ...] = ()
        self._revision = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """The trials."""
        return self._numbers

    @property
    def revision(self) -> int:
        """Grows with every choice."""
        return self._revision

    def choose(self, numbers: Iterable[int]) -> None:
        """Select these trials and no others."""
        chosen = tuple(dict.fromkeys(numbers))
        with self._lock:
            self._numbers = chosen
            self._revision += 1
