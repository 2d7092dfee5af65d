"""Writes that must not be lost: done at once, or kept in order until the store can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Backlog:
    """Touched by one runner; `trouble` may be read from any thread.

    Attributes:
        trouble: One sentence while something waits, else empty.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self._waiting: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def write(self, write: Callable[[], None]) -> None:
        """Call `write` now, or after those that wait.

        Raises:
            LeaseLost: Another kernel owns the job now.
            Exception: Whatever else `write` raises; it is given up.
        """
        self._waiting.append(write)
        if len(self._waiting) == 1:
            self.retry()

    def retry(self) -> None:
        """Write what waits, as far as the store lets it.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        while self._waiting:
            try:
                self._waiting[0]()
            except StoreUnavailable as error:
                self.trouble = f"no trial starts until the store can be written: {error}"
                return
            except BaseException:
                del self._waiting[0]  # it would fail again, and hold up what comes after it
                raise
            del self._waiting[0]
        self.trouble = ""
