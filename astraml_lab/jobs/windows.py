"""Windows as readers get them: arrays, whichever tier they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics import roll_up
from astraml_lab.spec import WindowView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.metrics import WindowRow
    from astraml_lab.store import Store


def stored_windows(store: Store, generation_id: int, trial: int, metric: str) -> WindowView | None:
    """Return the finest tier of a stored metric that still has its beginning."""
    width, rows = store.load_series(generation_id, trial, metric, roll_up=roll_up)
    return window_view(trial, metric, width, rows)


def window_view(trial: int, metric: str, width: float, rows: Sequence[WindowRow]) -> WindowView | None:
    """Return windows as arrays, without those that hold no finite value."""
    rows = [row for row in rows if row.count]
    columns = [
        np.array([getattr(row, name) for row in rows], dtype=np.float64)
        for name in ("start", "mean", "minimum", "maximum", "last", "count")
    ]
    return WindowView(trial, metric, width, *columns) if rows else None
