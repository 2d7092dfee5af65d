"""A job as pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.jobs.constraints import reason_of
from astraml_lab.spec import JobState, TrialState, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobView, TrialView

_TAIL = ("runtime", "device", "kind", "reason")
_RUNS = ("confirms", "mean_of_runs")
OWN = frozenset({"number", "state", *_TAIL, *_RUNS})
"""The table's own columns."""
_CUT_OFF = "its kernel is gone: runs again when the job goes on"
_WINDOW = ["trial", "start", "mean", "min", "max", "last", "count"]


def trials_table(reader: JobReader) -> pd.DataFrame:
    """Return one row per trial: number, state, parameters, metrics, runtime in seconds, device, kind, reason.

    Of the metrics the objectives come first: `import_trials` reads the table back by this order, or where it
    was not written to a file by its `attrs`.

    A column of an objective holds the trial's value, that of another metric its last report. A parameter that
    is called like one of the table's own columns gets the suffix `_param`, a metric whose name is taken
    `_metric`.

    Where trials were confirmed, `confirms` says whose further run a trial is, and `mean_of_runs` what all
    runs of a confirmed trial have on average.

    The reason of a COMPLETE trial is empty, or says how it ended itself, what it confirms or which
    constraints it violates.

    A trial that ran when the job's kernel died reads STALE, like its job; `kind` is `None` where nothing
    failed.
    """
    import pandas as pd

    job, views = reader.view(), reader.trials()[1]
    names = _Names(job, views)
    rows = [_row(job, view, names) for view in views]
    order = ["number", "state", *names.params.values(), *names.metrics.values(), *_TAIL] if rows else []
    frame = pd.DataFrame(rows, columns=order)
    objectives = {objective.metric: objective.goal.value for objective in job.objectives}
    frame.attrs["astraml"] = {"params": names.params, "metrics": names.metrics, "objectives": objectives}
    if not rows:
        return frame
    # The same whatever the rows hold: pandas makes of None what suits the rest of its column
    frame["kind"] = frame["kind"].astype(object).where(frame["kind"].notna(), None)
    frame["runtime"] = frame["runtime"].astype(float)
    if any(view.confirms is not None for view in views):
        _add_runs(frame, views)
    return frame.set_index("number")


def _add_runs(frame: pd.DataFrame, views: Sequence[TrialView]) -> None:
    """Add which trials confirm which, and the means over all their runs."""
    import pandas as pd

    frame["confirms"] = pd.array([view.confirms for view in views], dtype="Int64")
    value = pd.Series([view.values[0] if view.values else None for view in views], dtype=float)
    own = frame["confirms"].fillna(frame["number"]).astype(int)
    first = frame["confirms"].isna() & own.isin(frame["confirms"].dropna())
    frame["mean_of_runs"] = value.groupby(own.to_numpy()).transform("mean").where(first)


def curves_table(reader: JobReader, metric: str) -> pd.DataFrame:
    """Return a metric by step: columns `trial`, `step`, `value`."""
    import pandas as pd

    found = [reader.curve(view.number, metric) for view in reader.trials()[1]]
    parts = [
        pd.DataFrame({"trial": curve.trial, "step": curve.steps.astype("int64"), "value": curve.values})
        for curve in found
        if curve is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["trial", "step", "value"])


def windows_table(reader: JobReader, metric: str, window: str | float) -> pd.DataFrame:
    """Return a metric by windows of time: columns `trial, start, mean, min, max, last, count`.

    Args:
        reader: The job.
        metric: The metric's name.
        window: Length of a window, `"30s"` or seconds: the job's own, or a multiple of it.

    Raises:
        InvalidSpec: The job's windows do not add up to this length.
    """
    import pandas as pd

    width, own = _seconds(window), reader.view().window
    if not isinstance(width, int | float) or width <= 0 or width % own:
        raise _no_such_window(window, f"a multiple of this job's windows of {own:g} s, such as 5m")
    found = [w for view in reader.trials()[1] if (w := reader.windows(view.number, metric)) is not None]
    kept = max((w.width for w in found), default=own)
    if width % kept:
        raise _no_such_window(window, f"older windows have been merged: a multiple of {kept:g} s")
    columns = ("starts", "means", "minima", "maxima", "lasts", "counts")
    parts = [
        pd.DataFrame(dict(zip(_WINDOW[1:], (getattr(w, name) for name in columns), strict=True))).assign(
            trial=w.trial
        )
        for w in found
    ]
    if not parts:
        return pd.DataFrame(columns=_WINDOW)
    frame = _merged(pd.concat(parts, ignore_index=True), float(width))
    frame["start"] = pd.to_datetime(frame["start"], unit="s", utc=True)
    return frame[_WINDOW]


def _no_such_window(window: str | float, allowed: str) -> InvalidSpec:
    return InvalidSpec([Problem("window", shown(window), allowed)], subject="the question")


def _seconds(window: str | float) -> object:
    try:
        return parse_duration(window)
    except ValueError:
        return None


def _merged(frame: pd.DataFrame, width: float) -> pd.DataFrame:
    """Merge windows exactly: sums and counts add, extremes combine, the last one stays last."""
    frame["start"] = frame["start"] // width * width
    frame["total"] = frame["mean"] * frame["count"]
    how = {"total": "sum", "min": "min", "max": "max", "last": "last", "count": "sum"}
    merged = frame.groupby(["trial", "start"], as_index=False).agg(how)
    merged["mean"] = merged["total"] / merged["count"]
    return merged


class _Names:
    """Columns of parameters and metrics by name, each name once."""

    def __init__(self, job: JobView, views: Sequence[TrialView]) -> None:
        found = dict.fromkeys(name for view in views for name in view.params)
        # In the order of the space: a conditional parameter may show late in an imported job
        params = dict.fromkeys([*(name for name in job.param_names if name in found), *found])
        self.params = {name: f"{name}_param" if name in OWN else name for name in params}
        known = {name for view in views for name in view.metrics}
        first = [
            objective.metric
            for objective in job.objectives
            if objective.metric in known or any(view.values for view in views)
        ]
        metrics = dict.fromkeys([*first, *(name for view in views for name in view.metrics)])
        taken = {*OWN, *self.params.values()}
        self.metrics = {name: f"{name}_metric" if name in taken else name for name in metrics}


def _row(job: JobView, view: TrialView, names: _Names) -> dict[str, Any]:
    values = dict(view.metrics)
    if view.values is not None:
        metrics = (objective.metric for objective in job.objectives)
        values.update(zip(metrics, view.values, strict=True))
    runtime = None if view.started_at is None or view.ended_at is None else view.ended_at - view.started_at
    cut_off = job.state is JobState.STALE and view.state is TrialState.RUNNING
    return {
        "number": view.number,
        "state": str(JobState.STALE if cut_off else view.state),
        **{names.params[name]: value for name, value in view.params.items()},
        **{names.metrics[name]: value for name, value in values.items()},
        "runtime": runtime,
        "device": view.device,
        "kind": None if view.kind is None else str(view.kind),
        "reason": _CUT_OFF if cut_off else reason_of(job.subject_to, view),
    }
