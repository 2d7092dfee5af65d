"""Import: a table or a study of elsewhere becomes a job that has ended. Nothing runs.

Such a job is listed, shown and drawn like any other, and `--warm-start` starts from its trials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict, NotFound
from astraml_lab.jobs.import_rows import Imported, imported_from
from astraml_lab.jobs.import_tables import read_table
from astraml_lab.jobs.naming import made_up_name
from astraml_lab.search import contents_of, is_study
from astraml_lab.spec import Definition, JobSpec, JobState, TrialState, validate
from astraml_lab.store import jobs, series, trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from astraml_lab.store import GenerationRecord, Store


def import_job(
    store: Store, source: Any, spec: JobSpec, params: Sequence[str] | None = None
) -> GenerationRecord:
    """Make a job of finished trials; all of it is stored, or nothing.

    Args:
        store: Where the job goes.
        source: A file (CSV, TSV, JSON lines, Parquet), a pandas `DataFrame` or an `optuna.Study`.
        spec: What is known of the job: name, project, objectives, space; the rest is found in the source.
        params: The columns that are parameters.

    Returns:
        The job's generation, SUCCEEDED.

    Raises:
        NotFound: There is no such file.
        InvalidSpec: With every mistake in the source.
        Conflict: The project has a job of that name.
    """
    found = _read(source, spec, params, store.clock.time())
    counted = sum(view.state.counts for view in found.views)
    made = validate(
        JobSpec,
        {
            "definitions": (validate(Definition, {"space": found.space, "objectives": found.objectives}),),
            "name": spec.name or found.stem.strip() or made_up_name(),
            "project": spec.project,
            "trials": max(1, counted),
        },
    )
    return _store(store, made, found)


def _read(source: Any, spec: JobSpec, params: Sequence[str] | None, now: float) -> Imported:
    if not is_study(source):
        return imported_from(read_table(source), spec.objectives, spec.space, params, now)
    held = contents_of(source, spec.objectives)
    return Imported(
        label=f"study {held.name}",
        stem=held.name,
        space=held.space,
        objectives=held.objectives,
        views=held.views,
        curves=held.curves,
    )


def _store(store: Store, spec: JobSpec, found: Imported) -> GenerationRecord:
    name = str(spec.name)
    try:
        with store.begin(f"import job `{name}`") as connection:
            _write(connection, spec, found, store.clock.time())
    except Conflict:
        free = _free(store, spec.project, name)
        raise Conflict(
            f"project {spec.project} has a job {name} already: import this under another name, such as "
            f"--name {free}, or delete that one"
        ) from None
    stored = store.load_job(spec.project, name)
    if stored is None:
        raise NotFound(f"job {name} was deleted while it was imported")
    return stored


def _write(connection: Connection, spec: JobSpec, found: Imported, now: float) -> None:
    job_id = jobs.create_job(connection, spec.project, str(spec.name), now)
    # An empty fingerprint is no search's: a cell of this name starts its next generation, warm
    generation = jobs.create_generation(connection, job_id, spec.model_dump_json(), "{}", now)
    trials.save_all(connection, generation, found.views)
    metric = found.objectives[0].metric if found.objectives else ""
    curves = {
        (generation, number, metric): (series.to_blob([*curve]), series.to_blob([*curve.values()]))
        for number, curve in found.curves.items()
    }
    series.save_curves(connection, curves)
    changes = {
        "state": JobState.SUCCEEDED,
        "reason": _reason(found),
        "note": "; ".join(found.notes),
        "ended_at": now,
    }
    jobs.update_generation(connection, generation, changes)


def _reason(found: Imported) -> str:
    total = len(found.views)
    used = sum(view.state in {TrialState.COMPLETE, TrialState.PRUNED} for view in found.views)
    unused = f", {total - used:,} of them without a result" if used < total else ""
    return f"imported from {found.label}: {'1 trial' if total == 1 else f'{total:,} trials'}{unused}"


def _free(store: Store, project: str, name: str) -> str:
    number = 2
    while store.load_job(project, f"{name}-{number}") is not None:
        number += 1
    return f"{name}-{number}"
