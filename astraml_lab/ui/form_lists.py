"""The two lists of the form that grow and shrink: the dimensions of the space, and the objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from astraml_lab.spec import Float, Goal
from astraml_lab.ui.form_fields import complaint, marked
from astraml_lab.ui.form_layout import button, section
from astraml_lab.ui.form_rows import DimensionRow, ObjectiveRow

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from astraml_lab.errors import Problem
    from astraml_lab.spec import AnyDimension, Objective


class SpacePart:
    """The dimensions.

    Args:
        on_change: Called with what changed: a row's own name, or nothing where rows come and go.
    """

    def __init__(self, on_change: Callable[[Hashable], object]) -> None:
        self.rows: list[DimensionRow] = []
        self._on_change = on_change
        self._box = widgets.VBox()
        add = button("Add dimension", "plus", lambda: self.add("", Float(0.0, 1.0)))
        words = "a name of the code, its kind, its range; ten samples of each"
        self.section = section("Search space", [self._box, marked(add, "astraml-add")], words)

    def set(self, dimensions: Iterable[tuple[str, AnyDimension]]) -> None:
        """Show these instead."""
        self.rows = [self._row(name, dimension) for name, dimension in dimensions]
        self._show()

    def add(self, name: str, dimension: AnyDimension) -> None:
        """Show one more."""
        self.rows.append(self._row(name, dimension))
        self._show()
        self._on_change(None)

    def draw(self) -> None:
        """Show what each would give, and offer conditions on the others."""
        conditions = {id(row): row.conditions() for row in self.rows}
        for row in self.rows:
            row.draw()
            row.offer([each for other in self.rows if other is not row for each in conditions[id(other)]])

    def _row(self, name: str, dimension: AnyDimension) -> DimensionRow:
        return DimensionRow(self._remove, name, dimension, lambda row: self._on_change(id(row)))

    def _remove(self, row: DimensionRow) -> None:
        self.rows.remove(row)
        self._show()
        self._on_change(None)

    def _show(self) -> None:
        self._box.children = [each.row for each in self.rows]


class GoalsPart:
    """The objectives.

    Args:
        on_change: Called after each key, and where rows come and go.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self.rows: list[ObjectiveRow] = []
        self._on_change = on_change
        self._box = widgets.VBox()
        self._said = marked(widgets.HTML(), "astraml-line")
        add = button("Add objective", "plus", lambda: self.add("", Goal.MINIMIZE))
        parts: list[Any] = [self._box, self._said, marked(add, "astraml-add")]
        self.section = section("Objectives", parts, "two or more make a Pareto front")

    def set(self, objectives: Iterable[Objective]) -> None:
        """Show these instead."""
        self.rows = [self._row(each.metric, each.goal) for each in objectives]
        self._show()

    def add(self, metric: str, goal: Goal) -> None:
        """Show one more."""
        self.rows.append(self._row(metric, goal))
        self._show()

    def offer(self, metrics: list[str]) -> None:
        """Offer the metrics that the code reports."""
        for row in self.rows:
            row.offer(metrics)

    def complain(self, problems: Iterable[Problem]) -> None:
        """Say below the rows what is wrong with them."""
        words = complaint("; ".join(each.allowed for each in problems))
        if self._said.value != words:
            self._said.value = words

    def _row(self, metric: str, goal: Goal) -> ObjectiveRow:
        return ObjectiveRow(self._remove, metric, goal, lambda _row: self._on_change())

    def _remove(self, row: ObjectiveRow) -> None:
        self.rows.remove(row)
        self._show()
        self._on_change()

    def _show(self) -> None:
        self._box.children = [each.row for each in self.rows]
