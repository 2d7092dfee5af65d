"""Where a job is displayed, so that its final picture can take that place."""

from __future__ import annotations

import contextlib
import itertools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count(1)
_widget: ContextVar[Any] = ContextVar("astraml_output_widget", default=None)


class Place(Protocol):
    """A display that can be replaced, from any thread."""

    def update(self, data: dict[str, Any], *, raw: bool) -> object:
        """Show this mimebundle instead."""


class _InWidget:
    """The contents of an Output widget: a front end updates displays by their name in cells only."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    def update(self, data: dict[str, Any], *, raw: bool) -> None:
        del raw
        self._widget.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


@contextlib.contextmanager
def within(widget: Any) -> Iterator[None]:
    """Let this thread's displays of jobs appear in an Output widget of their own."""
    token = _widget.set(widget)
    try:
        yield
    finally:
        _widget.reset(token)


def put(data: dict[str, Any]) -> Place:
    """Display a mimebundle where the calling cell is, or in the widget of `within`."""
    widget = _widget.get()
    if widget is None:
        made: Place = display(data, raw=True, display_id=f"astraml-{next(_numbers)}")  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        return made
    place = _InWidget(widget)
    place.update(data, raw=True)
    return place
