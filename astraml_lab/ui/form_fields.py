"""The fields of the form, made from the fields of `JobSpec`: a new field there is a new field here."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, get_args, get_origin

import ipywidgets as widgets

from astraml_lab.spec import Constraint, text_of
from astraml_lab.spec.options import OptionKind, option_of
from astraml_lab.ui.form_words import pair, parts, spelled, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

_ANSWERS = {"by itself": None, "yes": True, "no": False}
_SUGGESTED = {"keep_checkpoints": ("auto", "all", "none", "best:1", "best:3", "last:1", "last:3")}
"""Values to choose from where others may be typed as well."""
_DEFAULT = re.compile(r"\s*\(default: ([^()]*)\)")
_EXAMPLE = {OptionKind.PAIR: "key=value, key=value", OptionKind.LIST: "with commas between"}
_EXAMPLE[OptionKind.CONDITION] = "latency_ms <= 20, recall >= 0.9"
"""What an empty field shows whose default says nothing."""


def said(text: str, kind: str = "help") -> str:
    """Return a sentence as HTML; whatever it quotes is escaped."""
    return f'<span class="astraml-said is-{kind}">{html.escape(text)}</span>'


def complaint(text: str) -> str:
    """Return a mistake as HTML: its sign says it too, not only its colour."""
    return said(f"✕ {text}", "mistake") if text else ""


def marked(widget: Any, *names: str) -> Any:
    """Give a widget classes for the style sheet; returns it."""
    for name in names:
        widget.add_class(name)
    return widget


class OptionField:
    """One option: its name, its control, and below it its help or what is wrong with it.

    Args:
        name: The field of `JobSpec`.
        info: What it says of itself: title, help, default, limits.
        value: What it starts with.
        on_change: Called after each key.
    """

    def __init__(
        self, name: str, info: FieldInfo, value: Any, on_change: Callable[[], object] = lambda: None
    ) -> None:
        self.name = name
        self._default = info.get_default(call_default_factory=True)
        self._option = option_of(name, info)
        self.label = info.title or name.replace("_", " ").capitalize()
        self.help = info.description or ""
        found = _DEFAULT.search(self.help)
        self._effective = found[1] if found else ""
        limits = _limits(info)
        self._said_first = _DEFAULT.sub("", self.help)
        self._said_first += f" {limits}." if limits else ""
        self.control = self._control(value)
        self._said = widgets.HTML(self._said_html(""))
        self.row = marked(widgets.VBox([self.control, self._said]), "astraml-field")
        self.set(value)
        self.control.observe(lambda _change: on_change(), "value")

    def set(self, value: Any) -> None:
        """Show a value."""
        self._start = value
        self.control.value = self._shown(value)
        self._entered_first = self.control.value

    def value(self) -> Any:
        """Return what is entered, for the specification to judge; the default where nothing is."""
        entered = self.control.value
        return self._start if entered == self._entered_first else self._read(entered)

    def complain(self, text: str) -> None:
        """Say what is wrong, or the help where nothing is."""
        said_now = self._said_html(text)
        if self._said.value != said_now:
            self._said.value = said_now

    def _said_html(self, text: str) -> str:
        return complaint(text) or said(self._said_first)

    def _read(self, entered: Any) -> Any:
        if not isinstance(entered, str):
            return entered
        text = entered.strip()
        if self._option.kind is OptionKind.TOGGLE:
            return _ANSWERS[text]
        if not text:
            return self._default
        if self._option.kind is OptionKind.PAIR:
            pairs = map(pair, parts(text))
            return {key: unquoted(value or "") for key, value in pairs}
        if self._option.kind in {OptionKind.LIST, OptionKind.CONDITION}:
            return [unquoted(part) for part in parts(text)]
        return text

    def _control(self, value: Any) -> Any:
        common: dict[str, Any] = {"description": self.label, "tooltip": self.help}
        if self._option.choices:
            return widgets.Dropdown(options=self._option.choices, value=str(value), **common)
        if self._option.kind is OptionKind.FLAG:
            return widgets.Checkbox(indent=False, **common)
        if self._option.kind is OptionKind.TOGGLE:
            return widgets.Dropdown(options=list(_ANSWERS), **common)
        common |= {"placeholder": self._placeholder(), "continuous_update": True}
        suggested = _SUGGESTED.get(self.name)
        return widgets.Combobox(options=suggested, **common) if suggested else widgets.Text(**common)

    def _placeholder(self) -> str:
        """Say what holds where nothing is entered."""
        if self._effective:
            return self._effective
        if self._default or self._default == 0:
            return text_of(self.name, self._default)
        return _EXAMPLE.get(self._option.kind, "")

    def _shown(self, value: Any) -> Any:
        if self._option.choices:
            return str(value)
        if self._option.kind is OptionKind.FLAG:
            return bool(value)
        if self._option.kind is OptionKind.TOGGLE:
            return next(word for word, meaning in _ANSWERS.items() if meaning is value)
        return "" if value == self._default else _spelled(self.name, value)


def _spelled(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{spelled(key)}={spelled(text)}" for key, text in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_spelled_part, value))
    return text_of(name, value)


def _spelled_part(part: object) -> str:
    """Quote a part of a list only where it would be read as something else: a condition has spaces."""
    text = str(part)
    alone = isinstance(part, Constraint) and parts(text) == [text] and unquoted(text) == text
    return text if alone else spelled(text)


def _limits(info: FieldInfo) -> str:
    """Say the bounds of a number: `1 to 4096`, `at least 1`."""
    low = high = None
    for each in _constraints(info.metadata, info.annotation):
        low = getattr(each, "ge", low)
        high = getattr(each, "le", high)
    if low is None:
        return ""
    return f"At least {low}" if high is None else f"{low} to {high:,}"


def _constraints(metadata: Any, annotation: Any) -> Iterator[Any]:
    """Yield what is said of the values of a field, also where `None` may stand in their place."""
    for each in metadata:
        yield from getattr(each, "metadata", (each,))
    if get_origin(annotation) is tuple:
        return  # of its members, not of itself
    for part in get_args(annotation):
        if hasattr(part, "__metadata__"):
            yield from _constraints(part.__metadata__, part)
