"""Accelerate's changes to the environment, where threads share it.

To learn what its options are by default, accelerate removes every variable of the process and puts them back.
A thread that reads one meanwhile finds none, and two that do this at once may leave none behind. To look for
devices it sets one and removes it: two at once leave it behind, or the second fails as it is gone already.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

_seen: ContextVar[MutableMapping[str, str] | None] = ContextVar("astraml_environment", default=None)


class OwnEnvironment:
    """Stands for the module `os` where accelerate reads variables.

    Within `clear_environment` there are none, for the thread that is there alone.
    """

    def __init__(self, original: Any) -> None:
        self._original = original

    @property
    def environ(self) -> MutableMapping[str, str]:
        """The variables of the process, or the thread's own."""
        own = _seen.get()
        return os.environ if own is None else own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def own_environment(
    original: Callable[[], contextlib.AbstractContextManager[None]],  # noqa: ARG001 - emptying is all that it does
) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return what stands for `clear_environment`: for all threads, trials or not."""

    @contextlib.contextmanager
    def clear_environment() -> Iterator[None]:
        token = _seen.set({})
        try:
            yield
        finally:
            _seen.reset(token)

    return clear_environment


def one_look(
    original: Callable[..., contextlib.AbstractContextManager[None]],
) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """Wrap `patch_environment` where accelerate looks for devices with it: for all threads, trials or not."""
    lock = threading.RLock()

    @functools.wraps(original)
    @contextlib.contextmanager
    def patch_environment(**variables: Any) -> Iterator[None]:
        with lock, original(**variables):
            yield

    return patch_environment
