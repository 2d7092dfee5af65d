"""The rows of the form that can be added and taken away: dimensions and objectives."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Categorical,
    Discrete,
    Goal,
    Objective,
    Scale,
    shown,
    validate,
)
from astraml_lab.ui.form_fields import complaint, marked, said
from astraml_lab.ui.form_preview import preview
from astraml_lab.ui.form_words import Entered, dimension_of, entered_of, spelled, spelled_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KINDS = [kind.__name__ for kind in CONSTRUCTORS]
_EMPTY = '<svg class="astraml-spark" aria-hidden="true" width="180" height="30"></svg>'
"""Keeps the place of a picture that cannot be drawn yet."""


def _text(hint: str, tooltip: str, name: str, value: str = "") -> Any:
    made = widgets.Text(value=value, placeholder=hint, tooltip=tooltip, continuous_update=True)
    return marked(made, name)


def _remove(what: str, action: Callable[[], object]) -> Any:
    button = widgets.Button(icon="times", tooltip=f"Take this {what} away")
    button.on_click(lambda _button: action())
    return marked(button, "is-remove")


class DimensionRow:
    """One dimension of the search space.

    Args:
        on_remove: Called when the row is to go.
        name: What the value is called.
        dimension: What it starts with.
        on_change: Called after each key.
    """

    def __init__(
        self,
        on_remove: Callable[[DimensionRow], object],
        name: str,
        dimension: AnyDimension,
        on_change: Callable[[DimensionRow], object] = lambda _row: None,
    ) -> None:
        self._start, self.start_name = dimension, name
        self._start_entered = entered_of(dimension)
        self._drawn: AnyDimension | None = None
        self._said_first = ""
        self.name = _text("name", "What the value is called in the cell", "is-name", name)
        self._make_range(self._start_entered)
        self._make_values(self._start_entered)
        controls = [self.name, self.kind, self.low, self.high, self.scale, self.step, self.values]
        self._picture, self._said = widgets.HTML(_EMPTY), widgets.HTML()
        self.row = self._laid_out(controls, _remove("dimension", lambda: on_remove(self)))
        self.controls = [*controls, self.when]
        for control in self.controls:
            control.observe(lambda _change: on_change(self), "value")
        self.kind.observe(lambda _change: self._show_fields(), "value")
        self._show_fields()
        self.draw()

    def _make_range(self, start: Entered) -> None:
        """Make the controls of a dimension that has two ends."""
        self.low = _text("from", "Lower bound, included", "is-bound", start.low)
        self.high = _text("to", "Upper bound, included", "is-bound", start.high)
        self.step = _text("any step", "Distance of the allowed values; empty for none", "is-step", start.step)
        # One scale exists for imported requests only: it is kept, and offered to nobody else.
        scales = [scale.value for scale in Scale if scale is not Scale.VERTEX_REVERSE_LOG]
        scale = widgets.Dropdown(
            options=[(each.replace("_", " "), each) for each in dict.fromkeys([*scales, start.scale])],
            value=start.scale,
            tooltip="How the values are spread out for the search",
        )
        self.scale = marked(scale, "is-scale")

    def _make_values(self, start: Entered) -> None:
        """Make the controls that say which kind of values there are, which ones, and when."""
        kinds: dict[str, Any] = {"options": _KINDS, "value": start.kind, "tooltip": "The kind of values"}
        self.kind = marked(widgets.Dropdown(**kinds), "is-kind")
        tip = "The choices or numbers, with commas between"
        self.values = _text("relu, gelu, 3, true", tip, "is-values", start.values)
        when = widgets.Combobox(
            value=start.when,
            placeholder="always; or: optimizer = sgd",
            tooltip="Active only while other dimensions have these values: name = value, value; name = value",
            continuous_update=True,
        )
        self.when = marked(when, "is-when")

    def _laid_out(self, controls: Sequence[Any], remove: Any) -> Any:
        when = widgets.HTML('<span class="astraml-said is-help">when</span>')
        above = marked(widgets.HBox([*controls, when, self.when, remove]), "astraml-controls")
        below = marked(widgets.HBox([self._picture, self._said]), "astraml-below")
        return marked(widgets.VBox([above, below]), "astraml-dimension")

    def read(self) -> tuple[str, AnyDimension]:
        """Return the dimension.

        Raises:
            InvalidSpec: With every mistake in the row.
        """
        name = self.entered_name
        problems = [] if name else [Problem("name", "", "give the dimension a name")]
        try:
            dimension = self._dimension()
        except InvalidSpec as error:
            raise InvalidSpec([*problems, *error.problems]) from None
        if problems:
            raise InvalidSpec(problems)
        return name, dimension

    @property
    def entered_name(self) -> str:
        """The name as it is entered."""
        return self.start_name if self.name.value == self.start_name else self.name.value.strip()

    @property
    def untouched(self) -> bool:
        """Whether all but its name is what the form started with."""
        return self._entered() == self._start_entered

    def complain(self, problems: Sequence[Problem]) -> None:
        """Say below the row what is wrong with it; else some of the values that it gives."""
        words = complaint("; ".join(map(str, problems))) or said(self._said_first)
        if self._said.value != words:
            self._said.value = words

    def draw(self) -> None:
        """Show what the dimension would give; while it is none, nothing."""
        try:
            dimension = self._dimension()
            if dimension == self._drawn:
                return
            picture, self._said_first = preview(dimension)
        except InvalidSpec:
            dimension, picture, self._said_first = None, _EMPTY, ""
        self._drawn = dimension
        self._picture.value = picture
        if "is-mistake" not in self._said.value:
            self._said.value = said(self._said_first)

    def conditions(self) -> list[str]:
        """Return the conditions that other dimensions could have on this one, as one would write them."""
        try:
            name, dimension = self.read()
        except InvalidSpec:
            return []
        if not isinstance(dimension, Categorical | Discrete):
            return []
        values = dimension.choices if isinstance(dimension, Categorical) else dimension.values
        return [f"{spelled(name)} = {spelled_value(value)}" for value in values[:20]]

    def offer(self, conditions: Sequence[str]) -> None:
        """Offer conditions on other dimensions."""
        if tuple(conditions) != self.when.options:
            self.when.options = tuple(conditions)

    def _dimension(self) -> AnyDimension:
        entered = self._entered()
        return self._start if entered == self._start_entered else self._with_objects(dimension_of(entered))

    def _entered(self) -> Entered:
        fields = (self.kind, self.low, self.high, self.scale, self.step, self.values, self.when)
        return Entered(*(field.value for field in fields))

    def _with_objects(self, made: AnyDimension) -> AnyDimension:
        """Put the objects behind labels that the row started with."""
        start = self._start
        if not (isinstance(start, Categorical) and start.has_objects and isinstance(made, Categorical)):
            return made
        strange = [label for label in made.choices if label not in start.choices]
        if strange:
            raise InvalidSpec([Problem("choices", shown(strange), "no object has this label")])
        return Categorical({label: start.decode(label) for label in made.choices}, when=made.when)

    def _show_fields(self) -> None:
        ranged = self.kind.value in {"Float", "Int"}
        for control in (self.low, self.high, self.scale, self.step):
            control.layout.display = None if ranged else "none"
        self.values.layout.display = "none" if ranged else None


class ObjectiveRow:
    """One objective: a metric and the direction in which it is better."""

    def __init__(
        self,
        on_remove: Callable[[ObjectiveRow], object],
        metric: str,
        goal: Goal,
        on_change: Callable[[ObjectiveRow], object] = lambda _row: None,
    ) -> None:
        self._start = metric
        goals: dict[str, Any] = {"options": [each.value for each in Goal], "value": goal.value}
        self.goal = marked(widgets.Dropdown(**goals, tooltip="Which way the metric is better"), "is-kind")
        tip = "The name under which the cell reports it"
        self.metric = widgets.Combobox(
            value=metric, placeholder="metric that is reported", tooltip=tip, continuous_update=True
        )
        marked(self.metric, "is-metric")
        self.row = marked(
            widgets.HBox([self.goal, self.metric, _remove("objective", lambda: on_remove(self))]),
            "astraml-controls",
        )
        for control in (self.goal, self.metric):
            control.observe(lambda _change: on_change(self), "value")

    def read(self) -> Objective | None:
        """Return the objective, or `None` for an empty row.

        Raises:
            InvalidSpec: The name is none.
        """
        metric = self._start if self.metric.value == self._start else self.metric.value.strip()
        return validate(Objective, {"metric": metric, "goal": self.goal.value}) if metric else None

    def offer(self, metrics: Sequence[str]) -> None:
        """Offer the metrics that the code reports."""
        if tuple(metrics) != self.metric.options:
            self.metric.options = tuple(metrics)


def relative(problem: Problem, name: str) -> Problem:
    """Name the place of a mistake from within its row."""
    path = problem.path.removeprefix("definitions[0].")
    path = re.sub(rf"^space\.{re.escape(name)}\.?|^{re.escape(name)}\.", "", path)
    return replace(problem, path=path or name)
