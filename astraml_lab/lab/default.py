"""The one process-wide default behind the front door: a manager per store, one set of devices."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING

from astraml_lab.clock import SystemClock
from astraml_lab.devices import Pool, ProcessTuning, SystemProbe
from astraml_lab.executors import ThreadExecutor
from astraml_lab.jobs import Manager, Wiring
from astraml_lab.jobs.device_ledger import StoreLedger
from astraml_lab.spec import default_home
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_lock = threading.Lock()
_open: dict[Path, Manager] = {}
_wired: list[Wiring] = []
on_use: list[Callable[[Manager], None]] = []
"""Each is told, in the caller's thread, that the lab is used."""


class _Telling(threading.local):
    """Whether this thread is being told: what is told uses the lab too."""

    active = False


_telling = _Telling()


def manager() -> Manager:
    """Return the manager of the store in ASTRAML_HOME, or of the platform's folder; opened once."""
    home = default_home().resolve()
    with _lock:
        if home not in _open:
            store = Store(home)
            made = _open[home] = Manager(store, _wiring(store), owner=f"kernel {os.getpid()}")
            atexit.register(made.leave)  # runs before IPython's, which was registered earlier
        found = _open[home]
    if not _telling.active:
        _telling.active = True
        try:
            for tell in on_use:
                tell(found)
        finally:
            _telling.active = False
    return found


def _wiring(store: Store) -> Wiring:
    """Build, once, the parts that all jobs of the process share: there is one set of devices.

    Args:
        store: Where the first job lives; in it this kernel and others tell each other which GPUs they use.
    """
    if not _wired:
        clock = SystemClock()
        ledger = StoreLedger(store, f"kernel {os.getpid()}")
        pool = Pool(SystemProbe(), clock, ledger=ledger)
        _wired.append(Wiring(pool, ProcessTuning(), ThreadExecutor(), clock))
    return _wired[0]
