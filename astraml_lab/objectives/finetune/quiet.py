"""No progress bar, no notice and no telemetry of the Hugging Face libraries while fine-tunings run."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = (
    "huggingface_hub.constants",
    "huggingface_hub.utils",
    "datasets",
    "transformers.utils.logging",
)
_TELEMETRY = "HF_HUB_DISABLE_TELEMETRY"
_lock = threading.Lock()
_within = 0
_before: list[Any] = []


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries quiet; the last to leave puts their switches back, which all threads share."""
    global _within  # noqa: PLW0603 - so do the libraries' switches
    with _lock:
        if not _within:
            _silence()  # first: a library that is missing must not leave the count too high
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                _restore()


def _silence() -> None:
    os.environ.setdefault(_TELEMETRY, "1")
    libraries: list[Any] = [importlib.import_module(name) for name in _LIBRARIES]
    constants, hub, datasets, logging = libraries
    constants.HF_HUB_DISABLE_TELEMETRY = True
    for library in (hub, datasets):
        if not library.are_progress_bars_disabled():
            library.disable_progress_bars()
            _before.append(library.enable_progress_bars)
    if logging.is_progress_bar_enabled():
        logging.disable_progress_bar()
        _before.append(logging.enable_progress_bar)
    level = logging.get_verbosity()
    if level < logging.ERROR:
        logging.set_verbosity_error()
        _before.append(lambda: logging.set_verbosity(level))


def _restore() -> None:
    while _before:
        _before.pop()()
