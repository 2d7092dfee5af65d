"""The progress bars of trials that run at the same time."""

from __future__ import annotations

import sys


def share_lock() -> None:
    """Have tqdm make the lock of all its bars now, for good.

    It is made when a bar first needs it. A pool of threads of tqdm's own (`datasets` reads files with one)
    that came before takes it away again when it ends, also from the bars that other threads draw meanwhile.
    """
    tqdm = sys.modules.get("tqdm.std")  # Optuna imports it
    if tqdm is not None:
        tqdm.tqdm.get_lock()
