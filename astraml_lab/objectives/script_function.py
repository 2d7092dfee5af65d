"""A registered function in place of a script: it runs in the kernel, with the request's values and inputs."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.function import FunctionCode
from astraml_lab.objectives.script_metrics import LogMetrics
from astraml_lab.objectives.script_process import Reporting, Stream
from astraml_lab.spec import Categorical, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.spec import LogMetric, Objective
    from astraml_lab.trial import Trial

_NO_NAME = re.compile(r"\W")


class RegisteredFunction:
    """`train(trial)`, `train(**params)` or a mix, called with the names of a request.

    A name such as `n-neighbors` reaches a parameter `n_neighbors`, too. Fixed values that the function does
    not take are left to `trial.params`.

    Args:
        function: The function.
        tuned: What varies; the function has to take it.
        fixed: What does not.
        secret: What the request names a secret for; only a parameter of that very name gets it.
        objectives: What a returned number or tuple means.

    Raises:
        InvalidSpec: Its parameters do not fit, with every mistake.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        tuned: Sequence[str],
        fixed: Sequence[str],
        objectives: Sequence[Objective],
        secret: Sequence[str] = (),
    ) -> None:
        takes, any_other = _taken_by(function)
        self._names = {name: _spelled(name, takes) for name in (*tuned, *fixed)}
        wanted = [self._names[name] for name in tuned]
        given = [self._names[name] for name in fixed]
        wanted += [name for name in given if any_other or name in takes]
        self._secret = {name: spelled for name in secret if (spelled := _spelled(name, takes)) in takes}
        wanted += self._secret.values()
        self.code = FunctionCode(function, Space(dict.fromkeys(wanted, Categorical(["any"]))), objectives)

    def run(
        self, trial: Trial, values: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Mapping[str, float] | None:
        """Call it; the trial's parameters become the request's, under both spellings of a name."""
        trial.params.clear()
        trial.params.update(values)
        for name, spelled in self._names.items():
            trial.params[spelled] = values.get(name)
        more = {spelled: secrets[name] for name, spelled in self._secret.items()}
        return self.code.call(trial, more)


@contextlib.contextmanager
def printed_metrics(definitions: Sequence[LogMetric], reporting: Reporting) -> Iterator[None]:
    """Read metrics from what the calling trial prints."""
    if not definitions:
        yield
        return
    with contextlib.ExitStack() as stack:
        for name, redirect in (
            ("stdout", contextlib.redirect_stdout),
            ("stderr", contextlib.redirect_stderr),
        ):
            file = getattr(sys, name)
            metrics = LogMetrics(definitions, _teller(file))
            stream = Stream(file, metrics, reporting, {})
            stack.callback(stream.end)
            stack.enter_context(redirect(_Reading(file, stream, reporting)))
        yield


class _Reading:
    """What the trial prints to: it passes all on, and ends the trial where a metric decides that."""

    encoding, errors = "utf-8", "backslashreplace"

    def __init__(self, file: Any, stream: Stream, reporting: Reporting) -> None:
        self._file = file
        self._stream = stream
        self._reporting = reporting

    def write(self, text: str) -> int:
        self._stream.add_text(text)
        if self._reporting.end is not None:
            raise self._reporting.end
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._file.flush()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class LazyMapping(Mapping[str, str]):
    """Values that are worked out when they are asked for, each once."""

    def __init__(self, names: Sequence[str], make: Callable[[str], str]) -> None:
        self._names = tuple(names)
        self._make = make
        self._made: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _taken_by(function: Callable[..., Any]) -> tuple[set[str], bool]:
    """Return the names that a function takes, and whether it takes any other, too."""
    parameters = inspect.signature(function).parameters
    more = [name for name, each in parameters.items() if each.kind is each.VAR_KEYWORD]
    return set(parameters).difference(more), bool(more)


def _spelled(name: str, takes: set[str]) -> str:
    spelled = _NO_NAME.sub("_", name)
    return spelled if name not in takes and spelled in takes else name


def _teller(file: Any) -> Callable[[str], None]:
    return lambda sentence: file.write(f"[astraml] {sentence}\n")
