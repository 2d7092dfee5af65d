"""What Optuna's study of a job has to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.constraints import missed
from astraml_lab.search import StudyStorage, reason_of, study_of

if TYPE_CHECKING:
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobSpec, TrialView
    from astraml_lab.store import Store


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


def why(store: Store, generation_id: int, spec: JobSpec, view: TrialView) -> str:
    """Say why a trial was tried: its note was committed when it began, or says which trial it confirms.

    Raises:
        StoreUnavailable: It cannot be read, or is damaged.
    """
    if view.confirms is not None:
        return view.notes[0]
    return reason_of(StudyStorage(store.past_journal(generation_id)), spec.strategy, view.number)
