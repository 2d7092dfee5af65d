"""What Optuna's study of a job has to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.constraints import missed
from astraml_lab.search import StudyStorage, reasons_of, study_of

if TYPE_CHECKING:
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobSpec, TrialView
    from astraml_lab.store import Store


_UNKNOWN = "the search has no record of it"
_NOT_YET = "it has not begun yet"


def detached_study(spec: JobSpec, reader: JobReader, name: str) -> Any:
    """Return a copy of a job as an `optuna.Study`."""
    views = reader.trials()[1]
    first = spec.objectives[0].metric if spec.objectives else ""
    curves = {view.number: reader.curve(view.number, first) for view in views}
    steps = {
        number: list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
        for number, curve in curves.items()
        if curve is not None
    }
    constraints = {view.number: missed(spec, view) for view in views}
    return study_of(spec.search, views, steps, constraints, name=name)


class Reasons:
    """Why the trials of a job were tried.

    A trial's note was committed when it began and never changes: the journal is read again only for a trial
    that had not begun when it was read.

    Args:
        store: Where its journal is.
        generation_id: The job.
    """

    def __init__(self, store: Store, generation_id: int) -> None:
        self._store = store
        self._generation_id = generation_id
        self._known: list[str] = []

    def of(self, view: TrialView, spec: JobSpec) -> str:
        """Say why a trial was tried, or which trial it confirms.

        Raises:
            StoreUnavailable: It cannot be read, or is damaged.
        """
        if view.confirms is not None:
            return view.notes[0]
        if not self._said(view.number):
            storage = StudyStorage(self._store.past_journal(self._generation_id))
            self._known = reasons_of(storage, spec.strategy)
        return self._said(view.number) or (_UNKNOWN if view.number >= len(self._known) else _NOT_YET)

    def _said(self, number: int) -> str:
        return self._known[number] if number < len(self._known) else ""
