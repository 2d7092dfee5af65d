"""How much the parameters matter, computed in a thread of its own while somebody looks at it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.search import Importance, importance_in
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from astraml_lab.clock import Clock
    from astraml_lab.spec import JobView, TrialView

PAUSE = 3.0
"""The least number of seconds between two computations,"""
_SHARE = 10.0
"""and how many times their own length: the trials of the same kernel want the processor."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    importance: Importance | None = None
    finished: int = -1
    """How many trials had finished when it was computed."""


class Importances:
    """The importances of one job. `ask` is called by one thread, which never waits."""

    def __init__(
        self,
        clock: Clock,
        compute: Callable[[JobView, Sequence[TrialView], int], Importance] = importance_in,
    ) -> None:
        self._clock = clock
        self._compute = compute
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._working = False
        self._next_at = float("-inf")

    def ask(self, metric: str, view: JobView, trials: Iterable[TrialView]) -> Importance | None:
        """Return what is known by now, and see to it that it stays true; `None` at first."""
        names = [objective.metric for objective in view.objectives]
        if metric not in names:
            return Importance(reason="This metric is no objective of the job.")
        finished = view.counts.get(TrialState.COMPLETE, 0)
        with self._lock:
            known = self._known.setdefault(metric, _Known())
            if known.finished != finished and not self._working and self._clock.monotonic() >= self._next_at:
                self._working = True
                known.finished = finished
                work = (metric, names.index(metric), view, tuple(trials))
                threading.Thread(target=self._work, args=work, name="astraml-importance", daemon=True).start()
            return known.importance

    def _work(self, metric: str, index: int, view: JobView, trials: tuple[TrialView, ...]) -> None:
        began = self._clock.monotonic()
        try:
            found = self._compute(view, trials, index)
        except Exception as problem:  # noqa: BLE001  said where it would be seen, and logged
            _log.warning("The importance of the parameters could not be computed.", exc_info=True)
            found = Importance(reason=f"It could not be computed: {type(problem).__name__}.")
        took = self._clock.monotonic() - began
        with self._lock:
            self._known[metric].importance = found
            self._next_at = began + max(PAUSE, took * _SHARE)
            self._working = False
