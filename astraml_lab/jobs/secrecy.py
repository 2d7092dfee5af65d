"""The secrets of one trial: looked up when its code asks, and out of its log from then on."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

from astraml_lab.secrets import Hidden, from_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.output import TrialSink
    from astraml_lab.secrets import Secrets


class TrialSecrets:
    """Thread-safe. The kernel's variables that hold secrets are kept out of the log from the beginning.

    Args:
        secrets: Where they are.
        project: Whose.
        sink: Where the trial's output goes.
    """

    def __init__(self, secrets: Secrets, project: str, sink: TrialSink) -> None:
        self._secrets = secrets
        self._project = project
        self._sink = sink
        self._hidden = Hidden(from_environment())
        if self._hidden.needles is not None:
            sink.watch(self._hidden)

    def look_up(self, name: str) -> str:
        """Return the value of a secret.

        Raises:
            NotFound: The project has none of this name.
            SecretsRefused: What keeps it cannot be read.
        """
        value = self._secrets.resolve(self._project, name)
        self._hidden.learn(name, value)
        self._sink.watch(self._hidden)
        return value


@contextlib.contextmanager
def on_screen(secrets: Secrets, project: str) -> Iterator[Callable[[str], str]]:
    """Hand out what looks secrets up for a trial in the foreground: what it prints does not show them."""
    hidden = Hidden(from_environment())

    def look_up(name: str) -> str:
        value = secrets.resolve(project, name)
        hidden.learn(name, value)
        return value

    with contextlib.ExitStack() as stack:
        for redirect, file in (
            (contextlib.redirect_stdout, sys.stdout),
            (contextlib.redirect_stderr, sys.stderr),
        ):
            screen = _Screen(file, hidden)
            stack.callback(screen.end)
            stack.enter_context(redirect(screen))
        yield look_up


class _Screen(io.TextIOBase):
    """What a trial in the foreground prints to."""

    def __init__(self, file: Any, hidden: Hidden) -> None:
        self._file = file
        self._redactor = hidden.stream()

    def write(self, text: str, /) -> int:
        self._file.write(self._redactor.add(text))
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._file.isatty())

    def end(self) -> None:
        self._file.write(self._redactor.end())
