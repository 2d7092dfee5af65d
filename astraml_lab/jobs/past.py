"""Trials of stored jobs as the past of a new one: `--warm-start`, and what a changed search keeps.

Of a job that had several generations counts the newest with a COMPLETE trial, unless one is named:
`digits#2`. What an earlier generation had itself started from is not handed on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.jobs.constraints import measured
from astraml_lab.jobs.parents import adapted
from astraml_lab.jobs.planning import CONSTRAINTS, OBJECTIVES, SPACE
from astraml_lab.jobs.stored import read_spec
from astraml_lab.objectives import changed
from astraml_lab.search import UNTAUGHT, Past
from astraml_lab.spec import TrialState, nearest, shown
from astraml_lab.store import name_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astraml_lab.search import Searcher, Warmed
    from astraml_lab.spec import JobSpec, Objective, ParamValue, Space, TrialView
    from astraml_lab.store import GenerationRecord, Store

_REASONS = 3
"""So many reasons are spelled out."""
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Source:
    """A generation whose trials a new job starts from.

    Attributes:
        found: The generation.
        label: What people call it: `digits#1`, with its project where that is another.
    """

    found: GenerationRecord
    label: str


def collect(store: Store, names: Sequence[str], project: str) -> tuple[Source, ...]:
    """Find the jobs that `--warm-start` names: `digits`, `vision/digits`, `digits#2`, `vision/digits#2`.

    Args:
        store: Where to look.
        names: As they were written.
        project: Where a name without a project is looked for.

    Raises:
        InvalidSpec: With every name that there is not.
    """
    problems: list[Problem] = []
    sources: dict[int, Source] = {}
    for name in names:
        found = _find(store, name.strip(), project)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            sources.setdefault(found.id, Source(found, _label(found, project)))
    if problems:
        raise InvalidSpec(problems)
    return tuple(sources.values())


def past_of(store: Store, source: Source, wanted: JobSpec, *, named: bool = True) -> tuple[Past, ...]:
    """Return the finished trials of a stored generation as the past of a new search.

    Metrics go by their names, whatever their direction was: an objective counts with the trial's value, any
    other metric with its last report. A pruned trial counts where the same objective pruned it.

    Args:
        store: Where the generation is.
        source: The generation.
        wanted: The new search.
        named: Whether `--warm-start` names the generation, rather than that it is the job's own.
    """
    found, objectives = source.found, wanted.objectives
    spec = read_spec(found)[0]
    views = [view for view in store.load_trials(found.id) if view.state in _FINISHED]
    same = bool(objectives) and spec.objectives[:1] == tuple(objectives[:1])
    curves: dict[int, list[tuple[float, float]]] = {}
    if same and any(view.state is TrialState.PRUNED for view in views):
        stored = store.load_curves(found.id, metric=objectives[0].metric)
        curves = {
            curve.trial: list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
            for curve in stored
        }
    past = tuple(
        Past(
            params=_active(view, spec.space),
            values=_values(view, spec.objectives, objectives),
            state=view.state,
            curve=(curves.get(view.number) or _last(view, objectives[0])) if same else (),
            source=f"{source.label} trial {view.number}",
            constraints=measured(wanted.subject_to, view),
        )
        for view in views
    )
    return adapted(past, spec, wanted) if named else past


def warm_up(searcher: Searcher, store: Store, found: GenerationRecord, spec: JobSpec) -> tuple[str, ...]:
    """Let a search that has not begun start from what there is; return what is to be said of it.

    That is the jobs of `--warm-start` and, unless the job was started over by `--new`, the generation before
    this one.

    Args:
        searcher: The search; one that has begun is left alone.
        store: Where the other jobs are.
        found: The job's own generation.
        spec: What was asked for.

    Raises:
        InvalidSpec: `--warm-start` names jobs that there are not.
        StoreError: The store cannot be read or written.
    """
    if not searcher.untouched:
        return ()
    named = collect(store, spec.warm_start, found.project)
    keeps = bool(spec.objectives) and len(spec.space) > 0 and not spec.new
    before = _generation_before(store, found) if keeps else None
    sources = {source.found.id: source for source in named if source.found.id != found.id}
    if before is not None:
        sources.setdefault(before.id, Source(before, _label(before, found.project)))
    if not sources:
        return ()
    past = [
        one for its in sources.values() for one in past_of(store, its, spec, named=its.found is not before)
    ]
    warmed = searcher.warm(past)
    if before is not None and len(sources) == 1:
        said = _kept(warmed, before.number) + _doubt(warmed, before, found)
    else:
        said = note(warmed, [source.label for source in sources.values()])
    return (said + (_unheeded(past, spec) if warmed.taken else ""),)


def note(warmed: Warmed, labels: Sequence[str]) -> str:
    """Say what a job starts from: `starts from 12 trials of digits#1 (3 did not fit: without width)`."""
    whose = ", ".join(labels)
    left_out = sum(warmed.left_out.values())
    if not warmed.taken and not left_out:
        return f"{whose}: no finished trial to start from"
    return f"starts from {_trials(warmed.taken)} of {whose}{_misfits(warmed)}"


def _kept(warmed: Warmed, generation: int) -> str:
    total = _trials(warmed.taken + sum(warmed.left_out.values()))
    kept = f"keeps {warmed.taken or 'none'} of {total} of generation {generation} as warm start"
    return kept + _misfits(warmed)


def _doubt(warmed: Warmed, before: GenerationRecord, found: GenerationRecord) -> str:
    """Say that old values may mean something else; another space, objective or limit changes none."""
    old = json.loads(before.fingerprint)
    parts = changed(old, json.loads(found.fingerprint)) if old else []  # an imported job has no code
    if not warmed.taken or not set(parts) - {SPACE, OBJECTIVES, CONSTRAINTS}:
        return ""
    return " (the code or its data changed: old values may not compare; `--new` starts over)"


def _unheeded(past: Sequence[Past], spec: JobSpec) -> str:
    """Say what the search cannot learn from the trials that it starts from."""
    if spec.strategy in UNTAUGHT:
        return f", which {spec.strategy} does not learn from"
    known = zip(*(one.constraints.values() for one in past), strict=True)
    limits = zip(spec.subject_to, known, strict=False)
    unmeasured = [limit.metric for limit, values in limits if all(value is None for value in values)]
    return f" (none of them measured {' or '.join(unmeasured)})" if unmeasured else ""


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count or 'no'} trials"


def _misfits(warmed: Warmed) -> str:
    count, reasons = sum(warmed.left_out.values()), list(warmed.left_out.items())
    if not count:
        return ""
    if len(reasons) == 1:
        return f" ({count} did not fit: {reasons[0][0]})"
    some = ", ".join(f"{number} {reason}" for reason, number in reasons[:_REASONS])
    more = ", …" if len(reasons) > _REASONS else ""
    return f" ({count} did not fit: {some}{more})"


def _find(store: Store, text: str, project: str) -> GenerationRecord | Problem:
    known = False
    for where, name, number in _readings(text, project):
        newest = store.load_job(where, name, number)
        if newest is not None:
            return newest if number is not None else _with_results(store, newest)
        known = known or store.load_job(where, name) is not None
    if known:
        return Problem("warm_start", shown(text), "the job has no such generation")
    jobs = store.list_jobs()
    names = [record.name for record in jobs if name_key(record.project) == name_key(project)]
    names += [f"{record.project}/{record.name}" for record in jobs]
    return Problem("warm_start", shown(text), "no such job", nearest(text, names) or _some(names))


def _readings(text: str, project: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield what the text may mean, the plainest first: names may hold `/` and `#` themselves."""
    head, mark, tail = text.rpartition("#")
    for name, number in ((text, None), *([(head, int(tail))] if mark and _is_number(tail) else [])):
        yield project, name, number
        parts = name.split("/")
        for cut in range(1, len(parts)):
            yield "/".join(parts[:cut]), "/".join(parts[cut:]), number


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 10  # noqa: PLR2004 - what a database counts to


def _some(names: Sequence[str]) -> str:
    return f"there are {', '.join(names[:10])}" if names else "there is none yet"


def _with_results(store: Store, newest: GenerationRecord) -> GenerationRecord:
    """Return the newest generation of a job that has a COMPLETE trial, or else the newest."""
    generations = store.list_generations(newest.job_id)
    return next((one for one in generations if _has_results(store, one)), newest)


def _generation_before(store: Store, found: GenerationRecord) -> GenerationRecord | None:
    if found.number == 1:
        return None
    older = (one for one in store.list_generations(found.job_id) if one.number < found.number)
    return next((one for one in older if _has_results(store, one)), None)


def _has_results(store: Store, found: GenerationRecord) -> bool:
    return any(view.state is TrialState.COMPLETE for view in store.load_trials(found.id))


def _label(found: GenerationRecord, project: str) -> str:
    where = "" if name_key(found.project) == name_key(project) else f"{found.project}/"
    return f"{where}{found.name}#{found.number}"


def _active(view: TrialView, space: Space) -> dict[str, ParamValue]:
    """Return the parameters that played a part: an inactive one must not pass for the choice `None`."""
    params = view.params
    return {
        name: value for name, value in params.items() if name not in space or space.is_active(name, params)
    }


def _values(
    view: TrialView, before: Sequence[Objective], objectives: Sequence[Objective]
) -> tuple[float, ...] | None:
    if view.state is not TrialState.COMPLETE:
        return None
    finals = zip((objective.metric for objective in before), view.values or (), strict=False)
    known = {**view.metrics, **dict(finals)}
    if any(objective.metric not in known for objective in objectives):
        return None
    return tuple(known[objective.metric] for objective in objectives)


def _last(view: TrialView, objective: Objective) -> list[tuple[float, float]]:
    """Return the one point that is known of a trial whose curve is not."""
    value = view.metrics.get(objective.metric)
    return [] if value is None else [(float(view.step or 0), value)]
