"""Optional libraries: imported where they are needed, missed in one sentence."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from astraml_lab.errors import MissingExtra

if TYPE_CHECKING:
    from types import ModuleType


def load(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` brings.

    Raises:
        MissingExtra: It is not installed; the message holds the exact `pip install` line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A dependency that is missing *inside* an installed library is that library's own story to tell.
        if error.name is not None and error.name.partition(".")[0] == module.partition(".")[0]:
            raise MissingExtra(module, extra) from error
        raise


def installed(module: str) -> bool:
    """Whether `module` could be imported; imports nothing."""
    return importlib.util.find_spec(module) is not None
