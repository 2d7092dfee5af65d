"""The way to the form, which lives beside the other widgets."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import NotBuiltYet

if TYPE_CHECKING:
    from astraml_lab.spec import JobSpec


def tune_form(spec: JobSpec | None = None) -> Any:
    """Return the form, filled in from `spec`.

    Raises:
        NotBuiltYet: This version has none.
    """
    made = getattr(importlib.import_module("astraml_lab.ui"), "TuneForm", None)
    if made is None:
        raise NotBuiltYet("The form is not built in this version; `%%tune --dry-run` prints a job.")
    return made() if spec is None else made(spec)
