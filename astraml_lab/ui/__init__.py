"""What people look at: the dashboard, the charts, the form. Only this floor imports widgets and plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astraml_lab.ui.form import TuneForm

__all__ = ["TuneForm"]


def __getattr__(name: str) -> Any:
    """Import the form when it is first asked for: who only looks at a job needs none."""
    if name != "TuneForm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from astraml_lab.ui.form import TuneForm

    return TuneForm
