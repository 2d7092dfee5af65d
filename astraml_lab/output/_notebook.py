"""What a trial displays or plots becomes text in its log; the notebook's own displays stay as they are."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from astraml_lab.output._patching import replaced
from astraml_lab.output._route import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.output._route import Route


@contextmanager
def routed_displays() -> Iterator[None]:
    """Route every way in which IPython publishes, if IPython runs here."""
    with ExitStack() as patches:
        for publisher in _publishers():
            patches.enter_context(replaced(publisher, "publish", _publish_or))
            patches.enter_context(replaced(publisher, "clear_output", _clear_or))
        yield


def isolate_figures() -> None:
    """Give each trial its own pyplot figures, once matplotlib is loaded; may be called any number of times.

    Else `plt.show()` in a trial would show and close the notebook's figures, and a figure that a trial left
    open would appear under the cell that is run next.
    """
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is not None and not isinstance(vars(pylab.Gcf).get("figs"), _Figures):
        pylab.Gcf.figs = _Figures(pylab.Gcf.figs)


def share_figures() -> None:
    """Undo `isolate_figures`."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is not None and isinstance(figures := vars(pylab.Gcf).get("figs"), _Figures):
        pylab.Gcf.figs = figures.notebook


class _Figures:
    """Stands for the class attribute in which pyplot keeps its open figures."""

    def __init__(self, notebook: Any) -> None:
        self.notebook = notebook

    def __get__(self, instance: object, owner: type) -> Any:
        route = current.get()
        return self.notebook if route is None else route.figures


def _publishers() -> list[type]:
    """Find the classes that publish: patched as classes, because `%%capture` swaps the instance."""
    # Without a shell there is nothing to patch, and another thread may be in the middle of importing IPython
    shells = getattr(sys.modules.get("IPython.core.interactiveshell"), "InteractiveShell", None)
    if shells is None or not shells.initialized():
        return []
    from IPython.core.displaypub import CapturingDisplayPublisher

    used = type(shells.instance().display_pub)
    return [kind for kind in {CapturingDisplayPublisher, *used.__mro__} if "publish" in vars(kind)]


def _publish_or(original: Callable[..., Any]) -> Callable[..., Any]:
    def publish(self: Any, data: dict[str, Any], *args: Any, update: bool = False, **named: Any) -> Any:
        route = current.get()
        if route is None:
            return original(self, data, *args, update=update, **named)
        return _write_display(route, data, update=update)

    return publish


def _clear_or(original: Callable[..., Any]) -> Callable[..., Any]:
    def clear_output(self: Any, *args: Any, **named: Any) -> Any:
        # A log keeps what it has.
        return original(self, *args, **named) if current.get() is None else None

    return clear_output


def _write_display(route: Route, data: dict[str, Any], *, update: bool) -> None:
    text = str(data.get("text/plain") or f"<{', '.join(data) or 'nothing'}>")
    if not (update and text == route.shown):
        route.sink.write("out", text + "\n")
    route.shown = text
