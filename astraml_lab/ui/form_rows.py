"""The rows of the form that can be added and taken away: dimensions and objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Categorical,
    Goal,
    Objective,
    Scale,
    shown,
)
from astraml_lab.ui.form_fields import ROW, complaint
from astraml_lab.ui.form_words import Entered, dimension_of, entered_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KINDS = [kind.__name__ for kind in CONSTRUCTORS]


def _text(hint: str, tooltip: str, width: str, value: str = "") -> widgets.Text:
    layout = widgets.Layout(width=width)
    return widgets.Text(
        value=value, placeholder=hint, tooltip=tooltip, layout=layout, continuous_update=False
    )


class DimensionRow:
    """One dimension of the search space."""

    def __init__(
        self, on_remove: Callable[[DimensionRow], object], name: str, dimension: AnyDimension
    ) -> None:
        self._start, self.start_name = dimension, name
        self._start_entered = start = entered_of(dimension)
        self.name = _text("name", "What the value is called in the cell", "120px", name)
        self.kind = widgets.Dropdown(
            options=_KINDS,
            value=start.kind,
            tooltip="The kind of values",
            layout=widgets.Layout(width="110px"),
        )
        self.low = _text("low", "Lower bound, included", "90px", start.low)
        self.high = _text("high", "Upper bound, included", "90px", start.high)
        self.step = _text("step", "Distance of the allowed values; empty for none", "70px", start.step)
        # One scale exists for imported requests only: it is kept, and offered to nobody else.
        scales = [scale.value for scale in Scale if scale is not Scale.VERTEX_REVERSE_LOG]
        self.scale = widgets.Dropdown(
            options=list(dict.fromkeys([*scales, start.scale])),
            value=start.scale,
            tooltip="How the values are spread out for the search",
            layout=widgets.Layout(width="120px"),
        )
        self.values = _text(
            "relu, gelu, 3, true", "The choices or numbers, with commas between", "300px", start.values
        )
        self.when = _text(
            "when: optimizer = sgd",
            "Active only while other dimensions have these values",
            "200px",
            start.when,
        )
        remove = widgets.Button(
            icon="times", tooltip="Take this dimension away", layout=widgets.Layout(width="36px")
        )
        remove.on_click(lambda _button: on_remove(self))
        self._said = widgets.HTML()
        controls = [self.name, self.kind, self.low, self.high, self.scale, self.step, self.values, self.when]
        self.row = widgets.VBox([widgets.HBox([*controls, remove], layout=ROW), self._said])
        self.kind.observe(lambda _change: self._show_fields(), "value")
        self._show_fields()

    def read(self) -> tuple[str, AnyDimension]:
        """Return the dimension.

        Raises:
            InvalidSpec: With every mistake in the row.
        """
        name = self.start_name if self.name.value == self.start_name else self.name.value.strip()
        if not name:
            raise InvalidSpec([Problem("name", "", "give the dimension a name")])
        entered = self._entered()
        if entered == self._start_entered:
            return name, self._start
        return name, self._with_objects(dimension_of(entered))

    @property
    def untouched(self) -> bool:
        """Whether all but its name is what the form started with."""
        return self._entered() == self._start_entered

    def complain(self, problems: Sequence[Problem]) -> None:
        """Say below the row what is wrong with it."""
        self._said.value = complaint("; ".join(map(str, problems)))

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

    def __init__(self, on_remove: Callable[[ObjectiveRow], object], metric: str, goal: Goal) -> None:
        self._start = metric
        self.goal = widgets.Dropdown(
            options=[each.value for each in Goal],
            value=goal.value,
            tooltip="Which way the metric is better",
            layout=widgets.Layout(width="120px"),
        )
        self.metric = _text(
            "metric that is reported", "The name under which the cell reports it", "220px", metric
        )
        remove = widgets.Button(
            icon="times", tooltip="Take this objective away", layout=widgets.Layout(width="36px")
        )
        remove.on_click(lambda _button: on_remove(self))
        self.row = widgets.HBox([self.goal, self.metric, remove], layout=ROW)

    def read(self) -> Objective | None:
        """Return the objective, or `None` for an empty row."""
        metric = self._start if self.metric.value == self._start else self.metric.value.strip()
        return Objective(metric=metric, goal=Goal(self.goal.value)) if metric else None
