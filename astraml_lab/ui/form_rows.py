"""The rows of the form that can be added and taken away: dimensions and objectives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Categorical,
    Discrete,
    Float,
    Goal,
    Int,
    Objective,
    Scale,
    shown,
)
from astraml_lab.ui.form_fields import ROW, complaint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KINDS = {kind.__name__: kind for kind in CONSTRUCTORS}
_SCALES = [scale.value for scale in Scale if scale is not Scale.VERTEX_REVERSE_LOG]


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
        low, high, step = (getattr(dimension, part, None) for part in ("low", "high", "step"))
        values = getattr(dimension, "choices", getattr(dimension, "values", ()))
        self.name = _text("name", "What the value is called in the cell", "120px", name)
        self.kind = widgets.Dropdown(
            options=list(_KINDS),
            value=type(dimension).__name__,
            tooltip="The kind of values",
            layout=widgets.Layout(width="110px"),
        )
        self.low = _text("low", "Lower bound, included", "90px", _word(low))
        self.high = _text("high", "Upper bound, included", "90px", _word(high))
        self.step = _text("step", "Distance of the allowed values; empty for none", "70px", _step(step))
        self.scale = widgets.Dropdown(
            options=_SCALES,
            value=str(getattr(dimension, "scale", Scale.LINEAR)),
            tooltip="How the values are spread out for the search",
            layout=widgets.Layout(width="120px"),
        )
        words = ", ".join(map(_item, values))
        self.values = _text(
            "relu, gelu, 3, true", "The choices or numbers, with commas between", "300px", words
        )
        when = "; ".join(
            f"{parent} = {', '.join(map(_item, given))}" for parent, given in (dimension.when or {}).items()
        )
        self.when = _text(
            "when: optimizer = sgd", "Active only while other dimensions have these values", "200px", when
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
        name, when = self.name.value.strip(), self._when()
        if not name:
            raise InvalidSpec([Problem("name", "", "give the dimension a name")])
        if self.kind.value == "Categorical":
            return name, Categorical([_value(part) for part in _parts(self.values.value)], when=when)
        if self.kind.value == "Discrete":
            return name, Discrete([_value(part) for part in _parts(self.values.value)], when=when)
        bounds = [self._number(part) for part in ("low", "high")]
        step = _value(self.step.value) if self.step.value.strip() else None
        kind: Any = _KINDS[self.kind.value]
        made: Float | Int = kind(*bounds, step=step, scale=self.scale.value, when=when)
        return name, made

    def complain(self, problems: Sequence[Problem]) -> None:
        """Say below the row what is wrong with it."""
        self._said.value = complaint("; ".join(map(str, problems)))

    def _number(self, part: str) -> Any:
        text = getattr(self, part).value.strip()
        if not text:
            raise InvalidSpec([Problem(part, "", "required, but empty")])
        return _value(text)

    def _when(self) -> dict[str, Any] | None:
        conditions = {}
        for condition in filter(str.strip, self.when.value.split(";")):
            parent, equals, values = condition.partition("=")
            if not equals:
                raise InvalidSpec([Problem("when", shown(condition.strip()), "must be name = value, value")])
            conditions[parent.strip()] = [_value(part) for part in _parts(values)]
        return conditions or None

    def _show_fields(self) -> None:
        ranged = self.kind.value in {"Float", "Int"}
        for control in (self.low, self.high, self.scale, self.step):
            control.layout.display = None if ranged else "none"
        self.values.layout.display = "none" if ranged else None


class ObjectiveRow:
    """One objective: a metric and the direction in which it is better."""

    def __init__(self, on_remove: Callable[[ObjectiveRow], object], metric: str, goal: Goal) -> None:
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
        metric = self.metric.value.strip()
        return Objective(metric=metric, goal=Goal(self.goal.value)) if metric else None


def _parts(text: str) -> list[str]:
    """Split at the commas, but not inside quotes."""
    listed = f"[{text}]"
    try:
        tree = ast.parse(listed, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return [part.strip() for part in text.split(",") if part.strip()]
    elements = tree.elts if isinstance(tree, ast.List) else []
    return [ast.get_source_segment(listed, element) or "" for element in elements]


def _value(text: str) -> Any:
    """Read a value as Python, JSON or, failing both, as the word it is."""
    word = text.strip()
    named = {"true": True, "false": False, "null": None, "none": None}
    if word.lower() in named:
        return named[word.lower()]
    try:
        read = ast.literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return word
    return read if isinstance(read, str | int | float | bool) or read is None else word


def _word(value: object) -> str:
    """Spell a value so that `_value` reads it back."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if _value(value) == value and "," not in value and ";" not in value else repr(value)
    return repr(value)


def _item(value: object) -> str:
    return "none" if value is None else _word(value)


def _step(step: object) -> str:
    return "" if step in {None, 1} else _word(step)
