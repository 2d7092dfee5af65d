"""`sys.stdout` and `sys.stderr`, by trial.

There are three ways to a stream: `print` reads the dictionary of `sys`; Python code reads and assigns
`sys.stdout`; and somebody may have kept the object since before. So the dictionary holds a switch, a subclass
of the module type makes the attribute a property, and the kept objects have their `write` guarded. Thanks to
the property, `%%capture` and `redirect_stdout` in a cell replace what lies behind the switch, and never get
the text of a trial.
"""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from astraml_lab.output._keyboard import Keyboard
from astraml_lab.output._route import current

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from astraml_lab.output.logfile import Stream

# Python's own flag (`Py_TPFLAGS_HEAPTYPE`) of a class that was made by a `class` statement.
_HEAP_TYPE = 1 << 9


class _Plain(io.TextIOBase):
    """What a trial reads as `sys.stdout`: its sink; outside a trial, whatever the process writes to.

    A handler that a trial made keeps this object, so it looks where it runs each time it is used.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, stream: Stream, base: Any) -> None:
        self.stream: Stream = stream
        self.base = base

    def write(self, text: str, /) -> int:
        route = current.get()
        if route is not None:
            route.sink.write(self.stream, text)
        elif self.base is not None:
            self.base.write(text)
        return len(text)

    def flush(self) -> None:
        if current.get() is None and self.base is not None:
            self.base.flush()

    def isatty(self) -> bool:
        return current.get() is None and self.base is not None and bool(self.base.isatty())

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if current.get() is not None:
            # A child process that got the kernel's own descriptor would write into a cell.
            raise io.UnsupportedOperation("fileno")
        return int(self.base.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["base"], name)


class _Switch(_Plain):
    """What the dictionary of `sys` holds, and so where `print` goes; it honours a trial's own redirects."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream, None)
        self.home: Any = None
        self.plain = _Plain(stream, None)

    def write(self, text: str, /) -> int:
        route = current.get()
        if route is not None and (redirect := route.redirects.get(self.stream)) is not None:
            redirect.write(text)
            return len(text)
        return super().write(text)

    def rest_on(self, base: Any) -> None:
        """Take what the process writes to, before the switch comes in front of it."""
        self.home = self.base = self.plain.base = base

    def read_by_name(self) -> Any:
        """Answer for `sys.stdout`: outside a trial the very object that the process has there."""
        route = current.get()
        return self.base if route is None else route.redirects.get(self.stream, self.plain)

    def replace(self, value: Any) -> None:
        """Answer for `sys.stdout = value`: a trial replaces its own stream only."""
        route, ours = current.get(), value is self or value is self.plain
        if route is None:
            self.base = self.plain.base = self.home if ours else value
        elif ours:
            route.redirects.pop(self.stream, None)
        else:
            route.redirects[self.stream] = value


@cache
def _switch(stream: Stream) -> _Switch:
    """Return the one switch of a stream, which lives on when the routing ends.

    `print` borrows what `sys` holds without a reference of its own: freed by another thread meanwhile, it
    takes the kernel along (https://github.com/python/cpython/issues/130163).
    """
    return _Switch(stream)


class _Sys(ModuleType):
    """The `sys` module while trials run."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by name: cloudpickle and dill do that for modules of the very type of modules alone."""
        return import_module, ("sys",)

    @property
    def stdout(self) -> Any:
        return vars(self)["stdout"].read_by_name()

    @stdout.setter
    def stdout(self, value: Any) -> None:
        vars(self)["stdout"].replace(value)

    @property
    def stderr(self) -> Any:
        return vars(self)["stderr"].read_by_name()

    @stderr.setter
    def stderr(self, value: Any) -> None:
        vars(self)["stderr"].replace(value)

    @property
    def stdin(self) -> Any:
        keyboard = vars(self)["stdin"]
        return keyboard.read_by_name() if isinstance(keyboard, Keyboard) else keyboard

    @stdin.setter
    def stdin(self, value: Any) -> None:
        keyboard = vars(self)["stdin"]
        if isinstance(keyboard, Keyboard):
            keyboard.replace(value)
        else:
            vars(self)["stdin"] = value


@contextmanager
def routed_streams() -> Iterator[None]:
    """Send what a trial writes to its sink; everything else stays as it was."""
    names, kind = vars(sys), type(sys)
    switches: dict[Stream, _Switch] = {"out": _switch("out"), "err": _switch("err")}
    switches["out"].rest_on(sys.stdout)
    switches["err"].rest_on(sys.stderr)
    held: list[tuple[Stream, Any]] = [(stream, switch.base) for stream, switch in switches.items()]
    held += [("out", sys.__stdout__), ("err", sys.__stderr__)]
    with ExitStack() as guards:
        for stream, kept in {id(kept): (stream, kept) for stream, kept in held}.values():
            guards.enter_context(_guarded(kept, stream))
        names["stdout"], names["stderr"] = switches["out"], switches["err"]
        sys.__class__ = _Sys
        try:
            yield
        finally:
            if type(sys) is _Sys:
                sys.__class__ = kind  # type: ignore[assignment]  # narrowed to ours just above
            for switch in switches.values():
                if names["std" + switch.stream] is switch:
                    names["std" + switch.stream] = switch.base


def _guarded(kept: Any, stream: Stream) -> AbstractContextManager[None]:
    """Guard the `write` of a stream that somebody may have kept, as logging handlers and consoles do."""
    if kept is None:
        return nullcontext()
    made_in_python = type(kept).__flags__ & _HEAP_TYPE
    return _guarded_by_class(kept, stream) if made_in_python else _guarded_itself(kept, stream)


@contextmanager
def _guarded_by_class(kept: Any, stream: Stream) -> Iterator[None]:
    """Make `write` a property: IPython replaces it on the object while a cell runs, and puts it back."""
    kind = type(kept)

    class Guarded(kind):  # type: ignore[misc,valid-type]  # the class of the very stream that the kernel uses
        @property
        def write(self) -> Any:
            if current.get() is not None:
                return partial(_write_to_trial, stream)
            return vars(self).get("write") or super().write

        @write.setter
        def write(self, value: Any) -> None:
            self.__dict__["write"] = value

    Guarded.__name__, Guarded.__module__ = kind.__name__, kind.__module__
    with suppress(TypeError):  # one with slots stays as it is
        kept.__class__ = Guarded
    try:
        yield
    finally:
        if type(kept) is Guarded:
            kept.__class__ = kind


@contextmanager
def _guarded_itself(kept: Any, stream: Stream) -> Iterator[None]:
    """Replace `write` on the object: the class of the interpreter's own streams cannot be changed."""
    write = kept.write

    def routed(text: str) -> Any:
        return write(text) if current.get() is None else _write_to_trial(stream, text)

    kept.write = routed
    try:
        yield
    finally:
        if vars(kept).get("write") is routed:
            del kept.write


def _write_to_trial(stream: Stream, text: str) -> int:
    route = current.get()
    if route is not None:
        route.sink.write(stream, text)
    return len(text)
