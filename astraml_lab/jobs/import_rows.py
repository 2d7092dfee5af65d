"""From the rows of a table to trials, and to the space that they span."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.jobs.import_columns import Columns, finite_or_none
from astraml_lab.jobs.import_shapes import STATES, UNFINISHED, Roles, roles_of
from astraml_lab.search import Fitting, Misfit
from astraml_lab.spec import (
    Categorical,
    FailureKind,
    Float,
    Space,
    TrialState,
    TrialView,
    format_number,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from astraml_lab.jobs.import_tables import Table
    from astraml_lab.spec import Objective, ParamValue

_LARGEST_NUMBER = 2**31


@dataclass(frozen=True)
class Imported:
    """What an import found."""

    label: str
    """Where: `sweep.csv`."""
    stem: str
    """What the job may be called, or empty."""
    space: Space
    objectives: tuple[Objective, ...]
    views: tuple[TrialView, ...]
    notes: tuple[str, ...] = ()
    curves: Mapping[int, Mapping[int, float]] = field(default_factory=dict)
    """The first objective by trial and step."""


def imported_from(
    table: Table, objectives: Sequence[Objective], space: Space, params: Sequence[str] | None, now: float
) -> Imported:
    """Read a table as trials.

    Args:
        table: The table.
        objectives: What was tuned; our own data frames say it themselves.
        space: The space; an empty one is inferred from the values.
        params: The columns that are parameters; by default those that the table's shape gives.
        now: The time of trials that the table does not date.

    Raises:
        InvalidSpec: With every mistake in the table and in what was asked of it.
    """
    roles, problems = roles_of(table, objectives)
    tuned = tuple(objectives) or roles.objectives
    found = Columns(table, roles, tuned, space=space, params=params or ())
    problems += found.problems
    if not problems:
        problems = [*_value_problems(table, found, tuned), *_space_problems(table, found, space)]
    if problems:
        raise InvalidSpec(problems, subject=table.label)
    fitting = Fitting(space) if len(space) else None
    views = tuple(_Reader(table, roles, found, tuned, fitting=fitting, now=now).views())
    return Imported(table.label, table.stem, found.space, tuned, views, found.notes())


def _value_problems(table: Table, found: Columns, objectives: Sequence[Objective]) -> list[Problem]:
    """Find objectives that are no numbers, or nowhere there."""
    problems = []
    for objective in objectives:
        cells = found.metrics[objective.metric]
        bad = [row for row, cell in enumerate(cells, 1) if not _reads_as_number(cell)]
        if bad:
            given = f"{shown(str(cells[bad[0] - 1]))} in row {bad[0]}"
            more = f"{len(bad)} rows of {len(table)} have none" if len(bad) > 1 else ""
            problems.append(Problem(objective.metric, given, "must be a number", more))
    usable = zip(*(found.metrics[objective.metric] for objective in objectives), strict=True)
    if not problems and not any(all(finite_or_none(cell) is not None for cell in cells) for cells in usable):
        names = " and ".join(objective.metric for objective in objectives)
        problems.append(Problem(names, "", "no row has a value"))
    return problems


def _reads_as_number(cell: Any) -> bool:
    """Whether a cell is a blank or a number, also where another made texts of the whole column."""
    try:
        return cell is None or math.isfinite(float(cell)) or isinstance(cell, float)
    except (TypeError, ValueError):
        return False


def _space_problems(table: Table, found: Columns, space: Space) -> list[Problem]:
    """Find rows that a given space does not have."""
    if not len(space):
        return []
    fitting, first = Fitting(space), dict[str, int]()
    counts: Counter[str] = Counter()
    for index in range(len(table)):
        try:
            fitting.fit(_given(found, index))
        except Misfit as error:
            counts[str(error)] += 1
            first.setdefault(str(error), index + 1)
    hint = "without a space it is inferred from the values"
    return [
        Problem(table.label, "", f"{_rows(count)} not in the space: {why} (row {first[why]})", hint)
        for why, count in counts.most_common()
    ]


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _given(found: Columns, index: int) -> dict[str, ParamValue]:
    """Return a row's parameters for a given space; a blank is the choice `None` where there is one."""
    row: dict[str, ParamValue] = {}
    for name, cells in found.params.items():
        cell, dimension = cells[index], found.space[name]
        if not isinstance(dimension, Categorical):
            row |= {} if cell is None else {name: cell}
        elif cell in dimension.choices:
            row[name] = cell
        elif cell is not None:
            # A file holds texts only: 3 and "3" are told apart by what may be chosen
            row[name] = {str(choice): choice for choice in dimension.choices}.get(str(cell), cell)
    return row


class _Reader:
    """Reads the rows one by one."""

    def __init__(
        self,
        table: Table,
        roles: Roles,
        found: Columns,
        objectives: Sequence[Objective],
        *,
        fitting: Fitting | None,
        now: float,
    ) -> None:
        self._count = len(table)
        self._own = {role: table.columns[column] for role, column in roles.own.items()}
        self._found = found
        self._metrics = [objective.metric for objective in objectives]
        self._fitting = fitting
        self._floats = {name for name, its in found.space.dimensions.items() if isinstance(its, Float)}
        self._now = now

    def views(self) -> Iterator[TrialView]:
        """Yield a trial per row."""
        numbers = self._numbers()
        for index in range(self._count):
            yield self._view(numbers[index], index)

    def _view(self, number: int, index: int) -> TrialView:
        metrics = {
            name: float(cells[index])
            for name, cells in self._found.metrics.items()
            if finite_or_none(cells[index]) is not None
        }
        state, kind, reason = self._ending(index, metrics)
        started, ended = self._times(index)
        complete = state is TrialState.COMPLETE
        return TrialView(
            number=number,
            state=state,
            kind=kind,
            reason=reason,
            params=self._params(index),
            values=tuple(metrics[name] for name in self._metrics) if complete else None,
            metrics=metrics,
            device=str(self._cell("device", index) or ""),
            created_at=started,
            started_at=started,
            ended_at=ended,
        )

    def _params(self, index: int) -> dict[str, ParamValue]:
        if self._fitting is not None:
            fitted = self._fitting.fit(_given(self._found, index))
            return {**dict.fromkeys(self._found.space.names()), **fitted}
        row = {name: cells[index] for name, cells in self._found.params.items()}
        return {
            name: float(cell) if name in self._floats else cell
            for name, cell in row.items()
            if cell is not None
        }

    def _ending(self, index: int, metrics: Mapping[str, float]) -> tuple[TrialState, FailureKind | None, str]:
        word = str(self._cell("state", index) or "complete").strip().lower()
        state, kind = STATES.get(word, (TrialState.STOPPED, None))
        reason = str(self._cell("reason", index) or "")
        if state is TrialState.FAILED:
            kind = _kind(self._cell("kind", index)) or kind
        if word in UNFINISHED:
            return state, None, "it had not ended when the table was written"
        missing = [name for name in self._metrics if name not in metrics]
        if state is TrialState.COMPLETE and missing:
            return self._without(index, missing)
        return state, kind, reason

    def _without(self, index: int, missing: Sequence[str]) -> tuple[TrialState, FailureKind, str]:
        cell = self._found.metrics[missing[0]][index]
        if cell is not None:
            return TrialState.FAILED, FailureKind.NAN, f"{missing[0]} is {format_number(float(cell))}"
        return TrialState.FAILED, FailureKind.NO_METRIC, f"no {' and no '.join(missing)} in its row"

    def _times(self, index: int) -> tuple[float, float]:
        started, ended = _moment(self._cell("started", index)), _moment(self._cell("ended", index))
        runtime = self._cell("runtime", index)
        seconds = float(runtime) if isinstance(runtime, int | float) and runtime >= 0 else 0.0
        if started is None:
            ended = self._now if ended is None else ended
            return ended - seconds, ended
        return started, started + seconds if ended is None else ended

    def _cell(self, role: str, index: int) -> Any:
        cells = self._own.get(role)
        return None if cells is None else cells[index]

    def _numbers(self) -> list[int]:
        cells = self._own.get("number", [])
        whole = all(type(cell) is int and 0 <= cell < _LARGEST_NUMBER for cell in cells)
        return cells if cells and whole and len(set(cells)) == len(cells) else list(range(self._count))


def _kind(cell: Any) -> FailureKind | None:
    word = str(cell or "").strip().lower()
    return FailureKind(word) if word in set(FailureKind) else None


def _moment(cell: Any) -> float | None:
    """Read a time as the tools write it: without a zone it is local."""
    if isinstance(cell, int | float):
        return float(cell)
    try:
        moment = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(str(cell))
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
