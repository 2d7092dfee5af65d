"""The fields of the form, made from the fields of `JobSpec`: a new field there is a new field here."""

from __future__ import annotations

import enum
import html
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import ipywidgets as widgets

from astraml_lab.spec.line import text_of
from astraml_lab.ui.form_words import pair, parts, spelled, unquoted

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_ANSWERS = {"by itself": None, "yes": True, "no": False}
_SUGGESTED = {"keep_checkpoints": ("all", "none", "best:1", "best:3", "last:1", "last:3")}
"""Values to choose from where others may be typed as well."""
_HINTS = {"retries": "by the kind of failure", "warm_start": "digits, digits-old"}
"""What an empty field shows where "none" would be wrong, or say too little."""
LABEL = widgets.Layout(width="150px", min_width="110px")
CONTROL = widgets.Layout(width="200px", min_width="120px")
GROW = widgets.Layout(flex="1 1 200px", min_width="160px")
ROW = widgets.Layout(flex_flow="row wrap", align_items="center", width="100%")


def said(text: str, *, colour: str = "var(--jp-ui-font-color2, #52606d)") -> str:
    """Return a sentence as HTML; whatever it quotes is escaped."""
    return f'<span style="color:{colour};line-height:1.3">{html.escape(text)}</span>'


def complaint(text: str) -> str:
    """Return a mistake as HTML: its sign says it too, not only its colour."""
    return said(f"✕ {text}", colour="var(--jp-error-color1, #b2182b)") if text else ""


class OptionField:
    """One option: its name, its control, its help, and beside it what is wrong with it."""

    def __init__(self, name: str, info: FieldInfo, value: Any) -> None:
        self.name = name
        self._default = info.get_default(call_default_factory=True)
        self._kinds = _kinds(info.annotation)
        self._may_be_none = type(None) in get_args(info.annotation)
        self.help = info.description or ""
        self._start = value
        self.control = self._control(value)
        self._entered_first = self.control.value
        self._said = widgets.HTML(layout=GROW)
        label = widgets.Label(name.replace("_", " "), layout=LABEL)
        self.row = widgets.HBox([label, self.control, self._said], layout=ROW)
        self.complain("")

    def value(self) -> Any:
        """Return what is entered, for the specification to judge; the default where nothing is."""
        entered = self.control.value
        return self._start if entered == self._entered_first else self._read(entered)

    def _read(self, entered: Any) -> Any:
        if not isinstance(entered, str):
            return entered
        text = entered.strip()
        if bool in self._kinds:
            return _ANSWERS[text]
        if not text:
            return self._default
        if dict in self._kinds:
            pairs = map(pair, parts(text))
            return {key: unquoted(value or "") for key, value in pairs}
        if tuple in self._kinds:
            return [unquoted(part) for part in parts(text)]
        return text

    def complain(self, text: str) -> None:
        """Say what is wrong, or the help where nothing is."""
        self._said.value = complaint(text) or said(self.help)

    def _control(self, value: Any) -> Any:
        common = {"layout": CONTROL, "tooltip": self.help}
        choices = [choice for kind in self._kinds for choice in _choices(kind)]
        if choices:
            return widgets.Dropdown(options=choices, value=str(value), **common)
        if bool in self._kinds and not self._may_be_none:
            return widgets.Checkbox(value=bool(value), indent=False, **common)
        if bool in self._kinds:
            chosen = next(word for word, meaning in _ANSWERS.items() if meaning is value)
            return widgets.Dropdown(options=list(_ANSWERS), value=chosen, **common)
        default = "none" if not self._default else text_of(self.name, self._default)
        shown = "" if value == self._default else _spelled(self.name, value)
        common |= {"value": shown, "placeholder": _HINTS.get(self.name, default), "continuous_update": False}
        suggested = _SUGGESTED.get(self.name)
        return widgets.Combobox(options=suggested, **common) if suggested else widgets.Text(**common)


def _spelled(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{spelled(key)}={spelled(text)}" for key, text in value.items())
    if isinstance(value, tuple):
        return ", ".join(spelled(str(part)) for part in value)
    return text_of(name, value)


def _kinds(annotation: Any) -> list[Any]:
    """Return the plain types behind an annotation: without `None`, `Annotated` and the contents of lists."""
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        return [kind for part in get_args(annotation) if part is not type(None) for kind in _kinds(part)]
    if origin is Literal:
        return [annotation]
    if hasattr(annotation, "__metadata__"):
        return _kinds(get_args(annotation)[0])
    return [origin or annotation]


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return [member.value for member in kind]
    return []
