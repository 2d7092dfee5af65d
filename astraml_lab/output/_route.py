"""To which trial the running code belongs."""

from __future__ import annotations

from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from astraml_lab.output.logfile import Stream
    from astraml_lab.output.sink import TrialSink


class Writable(Protocol):
    """Anything that `sys.stdout` may be replaced by."""

    def write(self, text: str, /) -> object:
        """Take `text` in."""


@dataclass
class Route:
    """What a trial sees in place of the process's own `sys.stdout`, displays and figures.

    Attributes:
        sink: Takes everything that the trial writes.
        redirects: What the trial itself put into `sys.stdout` and `sys.stderr`.
        keyboard: What the trial itself put into `sys.stdin`.
        figures: The trial's open pyplot figures, by manager number.
        shown: The text displayed last, so that an update that looks the same is not repeated.
    """

    sink: TrialSink
    redirects: dict[Stream, Writable] = field(default_factory=dict)
    keyboard: Any = None
    figures: OrderedDict[int, Any] = field(default_factory=OrderedDict)
    shown: str = ""


current: ContextVar[Route | None] = ContextVar("astraml_output", default=None)
