"""How the form is arranged: its sections, which option stands where, and its buttons."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from astraml_lab.ui.form_fields import marked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astraml_lab.devices import Device
    from astraml_lab.ui.form_fields import OptionField

GROUPS: dict[str, tuple[str, ...]] = {
    "Job": ("name", "project", "tag"),
    "Search": ("trials", "strategy", "prune", "subject_to"),
    "Limits": (
        "max_runtime",
        "trial_timeout",
        "max_no_improvement",
        "patience",
        "target",
        "max_failures",
    ),
    "Resources": ("executor", "parallel", "gpus", "devices", "reserve"),
}
"""Where an option stands; one that is named nowhere stands under "More"."""
_GB = 1e9


def section(title: str, parts: Sequence[Any], words: str = "") -> Any:
    """Return a part of the form under its title; whatever it quotes is escaped."""
    help_words = f'<span class="astraml-said is-help">{html.escape(words)}</span>' if words else ""
    head = f'<div class="astraml-title-line"><b>{html.escape(title)}</b>{help_words}</div>'
    return marked(widgets.VBox([widgets.HTML(head), *parts]), "astraml-section")


def option_sections(options: Mapping[str, OptionField], devices: str) -> list[Any]:
    """Return the sections of all options.

    Args:
        options: The fields by name.
        devices: What GPUs there are, in words.
    """
    grouped = {name for names in GROUPS.values() for name in names}
    words = {"Resources": devices}
    made = [section(title, [_grid(options, names)], words.get(title, "")) for title, names in GROUPS.items()]
    rest = [name for name in options if name not in grouped]
    more = widgets.Accordion([_grid(options, rest)], titles=("More options",))
    return [*made, marked(more, "astraml-more")]


def devices_words(devices: Sequence[Device]) -> str:
    """Say which GPUs there are: `2 GPUs here: 0 NVIDIA H100, 76 of 80 GB free; 1 …`."""
    if not devices:
        return "No GPU here: trials run on the CPU."
    said = [
        f"{each.index} {each.name}, {each.free_bytes / _GB:.0f} of {each.total_bytes / _GB:.0f} GB free"
        for each in devices
    ]
    return f"{len(devices)} GPU{'' if len(devices) == 1 else 's'} here: {'; '.join(said)}."


def button(text: str, icon: str, action: Callable[[], object], *, tip: str = "", style: str = "") -> Any:
    """Return a button that does something."""
    made = widgets.Button(description=text, icon=icon, tooltip=tip or text, button_style=style)
    made.on_click(lambda _button: action())
    return made


def shown_if(widget: Any, *, when: bool) -> None:
    """Show a widget, or take its place away."""
    display = None if when else "none"
    if widget.layout.display != display:
        widget.layout.display = display


def _grid(options: Mapping[str, OptionField], names: Sequence[str]) -> Any:
    return marked(widgets.VBox([options[name].row for name in names if name in options]), "astraml-grid")
