"""The border to Optuna: its exceptions become ours, its chatter stays in."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from typing import TYPE_CHECKING

import numpy as np
import optuna
from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError

from astraml_lab.errors import AstramlError, Conflict, SearchFailed, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

MAPPED: dict[type[Exception], type[AstramlError]] = {
    DuplicatedStudyError: Conflict,
    UpdateFinishedTrialError: Conflict,
    StorageInternalError: StoreUnavailable,
}
"""Whatever else comes out of Optuna is a `SearchFailed`."""


class Boundary:
    """A context manager behind which only `AstramlError`s come out; stateless, so one serves all."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, AstramlError):
            return
        ours = next((ours for theirs, ours in MAPPED.items() if isinstance(error, theirs)), SearchFailed)
        raise ours(f"The search could not go on: {type(error).__name__}: {error}") from error


optuna_boundary = Boundary()


class _NotFromHere(logging.Filter):
    """Drops the records of the thread that made it; other threads' Optuna speaks as its user set it."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's log lines and its warnings about itself: for rare calls, not for each `ask`.

    `catch_warnings` swaps a list of the whole process. Should another thread swap it at the same time, what
    may stay behind is a filter that matches nothing but warnings attributed to Optuna or to this package.
    """
    optuna.logging.get_verbosity()  # Optuna makes its handler when it is first asked for anything
    handlers = list(logging.getLogger("optuna").handlers)
    silence = _NotFromHere()
    with warnings.catch_warnings():
        # Before Python 3.12 the warning is attributed to Optuna's line, from then on to the caller's.
        warnings.filterwarnings("ignore", module=r"(optuna|astraml_lab\.search)(\.|$)")
        for handler in handlers:
            handler.addFilter(silence)
        try:
            yield
        finally:
            for handler in handlers:
                handler.removeFilter(silence)


def numbers_may_be_fine() -> np.errstate:
    """Let TPE take the logarithm of a difference that rounds to 0, as it does in a range of 2**53 numbers.

    For the calling thread alone: numpy keeps this in a context variable.
    """
    return np.errstate(all="ignore")
