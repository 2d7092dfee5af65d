"""The tasks that an executor has under way, each with a thread that runs or serves it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Member(Protocol):
    """A task under way."""

    ended: threading.Event

    def cancel(self) -> None:
        """Do not begin it, or end it where that is possible."""

    def run(self) -> None:
        """Be the body of its thread; sets `ended` at the end."""


M = TypeVar("M", bound=Member)


class Crew(Generic[M]):
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: set[M] = set()
        self._closed = False

    def start(self, member: M, name: str) -> M:
        """Start a member's thread: a daemon, as a kernel that shuts down does not wait for it.

        Raises:
            RuntimeError: The crew was closed, or no thread can be started.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("this executor was closed: make a new one")
            self._members.add(member)
        try:
            threading.Thread(target=self._body(member), name=name, daemon=True).start()
        except BaseException:
            self._forget(member)
            raise
        return member

    def close(self, until: float) -> bool:
        """Cancel all members and wait for them until a monotonic time; whether all have ended."""
        with self._lock:
            self._closed = True
            members = list(self._members)
        for member in members:
            member.cancel()
        # Not `Thread.join`: interrupted on Python 3.11 and 3.12, it takes a running thread for ended.
        return all(member.ended.wait(max(0.0, until - time.monotonic())) for member in members)

    def _body(self, member: M) -> Callable[[], None]:
        def run() -> None:
            try:
                member.run()
            finally:
                self._forget(member)

        return run

    def _forget(self, member: M) -> None:
        with self._lock:
            self._members.discard(member)
