"""What goes wrong with a fine-tuning, in one sentence."""

from __future__ import annotations

from astraml_lab.errors import AstramlError


class FinetuneFailed(AstramlError):
    """A fine-tuning cannot go on: its model, data or settings do not fit; the message says what to change."""


def first_line(error: BaseException) -> str:
    """Return what an exception of a library says first, with its type."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
