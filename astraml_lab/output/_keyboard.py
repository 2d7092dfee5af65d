"""A trial has no keyboard: what it reads from there is at its end, and the notebook's prompts stay its own.

`input()` takes `sys.stdin` from the dictionary of `sys`, so a switch stands there, like those of the streams
that are written to. In a kernel, `input` and `getpass` are methods of the kernel while a cell runs.
"""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from astraml_lab.output._patching import replaced
from astraml_lab.output._route import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NO_LINE = "EOF when reading a line"
"""What Python says where there is no keyboard."""
_ASKING = ("raw_input", "getpass", "_input_request")


class Keyboard:
    """Stands for `sys.stdin`: outside a trial whatever the process reads from."""

    def __init__(self) -> None:
        self.base: Any = None

    def read_by_name(self) -> Any:
        """Answer for `sys.stdin`: outside a trial the very object that the process has there."""
        route = current.get()
        return self.base if route is None else route.keyboard or self

    def replace(self, value: Any) -> None:
        """Answer for `sys.stdin = value`: a trial replaces its own only."""
        route = current.get()
        if route is not None:
            route.keyboard = None if value is self else value
        elif value is not self:
            self.base = value

    def readline(self, *size: int) -> Any:
        route = current.get()
        if route is None:
            return self.base.readline(*size)
        if route.keyboard is None:
            raise EOFError(NO_LINE)
        return route.keyboard.readline(*size)

    def read(self, *size: int) -> Any:
        return self.base.read(*size) if current.get() is None else ""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.base if current.get() is None else ())

    def fileno(self) -> int:
        if current.get() is not None:
            raise io.UnsupportedOperation("fileno")
        return int(self.base.fileno())

    def isatty(self) -> bool:
        return current.get() is None and bool(self.base.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["base"], name)


# One per process: `input` borrows what `sys` holds without a reference of its own.
_keyboard = Keyboard()


@contextmanager
def no_keyboard() -> Iterator[None]:
    """Keep trials from reading what somebody types; everything else stays as it was."""
    names = vars(sys)
    with ExitStack() as patches:
        for owner in _kernels():
            for name in _ASKING:
                patches.enter_context(replaced(owner, name, _refuse_or))
        _keyboard.base = sys.stdin
        names["stdin"] = _keyboard
        try:
            yield
        finally:
            if names["stdin"] is _keyboard:
                names["stdin"] = _keyboard.base


def _kernels() -> list[type]:
    """Find the classes of the kernel that ask for input, if this process is one."""
    kernelbase = sys.modules.get("ipykernel.kernelbase")
    return [] if kernelbase is None else [kernelbase.Kernel]


def _refuse_or(original: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*args: Any, **named: Any) -> Any:
        if current.get() is None:
            return original(*args, **named)
        line = _keyboard.readline()
        if not line:
            raise EOFError(NO_LINE)
        return line.removesuffix("\n")

    return ask
