"""What the columns of a table mean: our own `job.df`, Optuna's frame, a W&B export, or a plain table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Problem
from astraml_lab.jobs.tables import OWN
from astraml_lab.spec import FailureKind, Goal, Objective, TrialState, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.jobs.import_tables import Table

State = tuple[TrialState, FailureKind | None]
_UNFINISHED: State = (TrialState.STOPPED, None)
STATES: Mapping[str, State] = {
    "complete": (TrialState.COMPLETE, None),
    "completed": (TrialState.COMPLETE, None),
    "finished": (TrialState.COMPLETE, None),
    "succeeded": (TrialState.COMPLETE, None),
    "pruned": (TrialState.PRUNED, None),
    "failed": (TrialState.FAILED, FailureKind.EXCEPTION),
    "fail": (TrialState.FAILED, FailureKind.EXCEPTION),
    "crashed": (TrialState.FAILED, FailureKind.CRASHED),
    "stopped": (TrialState.STOPPED, None),
    "killed": (TrialState.STOPPED, None),
    "preempted": (TrialState.STOPPED, None),
    "preempting": (TrialState.STOPPED, None),
    "running": _UNFINISHED,
    "waiting": _UNFINISHED,
    "pending": _UNFINISHED,
}
"""What the tools call the states of a trial."""
UNFINISHED = frozenset(word for word, state in STATES.items() if state is _UNFINISHED)
_WANDB = frozenset({"Name", "State", "Created", "Runtime"})
_WANDB_TEXTS = frozenset(
    {"ID", "Sweep", "Sweep Name", "User", "Notes", "Tags", "Group", "Job Type", "Hostname", "Description"}
    | {"Commit", "GPU Type", "GPU Count", "Agent", "Github", "End Time", "Updated", "Python Version", "OS"}
)
_OPTUNA_TIMES = {"started": "datetime_start", "ended": "datetime_complete"}


@dataclass(frozen=True)
class Roles:
    """What the columns of a table mean.

    Attributes:
        kind: Which shape it has, in words.
        own: Columns of the trial itself by role: number, state, started, ended, runtime, kind, reason ….
        params: Columns of parameters by name, where the shape tells.
        metrics: Columns of metrics by name, where the shape tells.
        free: Columns by name that the shape says nothing of, in their order.
        objectives: What was tuned, where the table tells.
        ordered: Whether parameters stand before metrics.
    """

    kind: str
    own: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    free: Mapping[str, str] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    ordered: bool = False


def roles_of(table: Table, objectives: Sequence[Objective]) -> tuple[Roles, list[Problem]]:
    """Find out what the columns mean, and what is wrong with the metrics that shall be tuned.

    Args:
        table: The table.
        objectives: The metrics that the user named.
    """
    names = set(table.columns)
    if {"number", "state", "runtime", "reason"} <= names:
        roles = _ours(table)
    elif "state" in names and any(name.startswith("params_") for name in names):
        roles = _optuna(table, objectives)
    elif names >= _WANDB:
        roles = _wandb(table)
    else:
        roles = _plain(table)
    return roles, _metric_problems(table, roles, objectives or roles.objectives)


def _metric_problems(table: Table, roles: Roles, objectives: Sequence[Objective]) -> list[Problem]:
    known = {**roles.free, **roles.metrics}
    if not objectives:
        return [
            Problem("maximize", "", f"name the metric that {table.label} was tuned for", _one_of_them(known))
        ]
    return [
        Problem(objective.metric, "", f"{table.label} has no such column", _hint(objective.metric, known))
        for objective in objectives
        if objective.metric not in known
    ]


def _hint(name: str, known: Mapping[str, str]) -> str:
    return nearest(name, known) or f"there are {', '.join(list(known)[:12])}"


def _one_of_them(known: Mapping[str, str]) -> str:
    return f"--maximize or --minimize one of {', '.join(list(known)[:12])}"


def _ours(table: Table) -> Roles:
    own = {name: name for name in table.columns if name in OWN}
    kind, hints = "a job's own table", table.hints
    if hints:
        params, metrics = (
            {name: column for name, column in hints[role].items() if column in table.columns}
            for role in ("params", "metrics")
        )
        objectives = tuple(
            Objective(metric=metric, goal=Goal(goal)) for metric, goal in hints["objectives"].items()
        )
        return Roles(kind, own, params, metrics, objectives=objectives)
    free = {_unsuffixed(name, table.columns): name for name in table.columns if name not in OWN}
    return Roles(kind, own, free=free, ordered=True)


def _unsuffixed(column: str, columns: Mapping[str, Any]) -> str:
    """Undo the suffix of a name that was taken; see `trials_table`."""
    name = column.removesuffix("_param")
    if name != column and name in OWN:
        return name
    name = column.removesuffix("_metric")
    if name != column and name in OWN and f"{name}_param" not in columns:
        return name
    return column


def _optuna(table: Table, objectives: Sequence[Objective]) -> Roles:
    columns = table.columns
    metrics = {"value": "value"} if "value" in columns else {}
    for column in columns:
        if column.startswith("values_"):
            name = column.removeprefix("values_")
            metrics[column if name.isdecimal() else name] = column
    if len(metrics) == len(objectives) == 1 and objectives[0].metric not in metrics:
        metrics = {objectives[0].metric: next(iter(metrics.values()))}  # `value` gets its name
    times = {role: column for role, column in _OPTUNA_TIMES.items() if column in columns}
    return Roles(
        kind="Optuna's table",
        own={name: name for name in ("number", "state") if name in columns} | times,
        params={name.removeprefix("params_"): name for name in columns if name.startswith("params_")},
        metrics=metrics,
    )


def _wandb(table: Table) -> Roles:
    skipped = _WANDB | _WANDB_TEXTS
    return Roles(
        kind="a W&B export",
        own={"state": "State", "started": "Created", "runtime": "Runtime"},
        free={name: name for name in table.columns if name not in skipped and not name.startswith("_")},
    )


def _plain(table: Table) -> Roles:
    state = next((name for name in table.columns if _are_states(name, table.columns[name])), "")
    return Roles(
        kind="a table",
        own={"state": state} if state else {},
        free={name: name for name in table.columns if name != state},
    )


def _are_states(name: str, cells: Sequence[Any]) -> bool:
    words = {str(cell).strip().lower() for cell in cells if cell is not None}
    return name.lower() in {"state", "status"} and bool(words) and words <= set(STATES)
