"""Runs a plain function once per trial: `train(trial)`, `train(**params)`, or a mixture of both."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.base import NO_EXTRAS
from astraml_lab.objectives.callables import plain_function
from astraml_lab.objectives.fingerprint import reached_by
from astraml_lab.objectives.frames import user_traceback
from astraml_lab.objectives.references import outer_names
from astraml_lab.spec import Program, nearest, shown
from astraml_lab.trial import metric_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from astraml_lab.spec import Objective, Space
    from astraml_lab.trial import Trial

_OURS = ("trial", "report")


class FunctionCode:
    """A training function as a trial's code.

    Parameters called `trial` or `report` get ours; all others come from the space. Thread-safe as far as the
    function is. Pickled (by cloudpickle), it takes along what the function itself reads; a function of an
    importable module travels by its name.

    Args:
        function: Called once per trial.
        space: What is searched.
        objectives: What a returned number or tuple means.

    Raises:
        InvalidSpec: The function's parameters and the space do not fit, with every mistake.
    """

    def __init__(
        self, function: Callable[..., Any], space: Space, objectives: Sequence[Objective] = ()
    ) -> None:
        self._function = function
        self._name = _name(function)
        self._metrics = tuple(objective.metric for objective in objectives)
        self._signature = _signature(function, self._name)
        problems = list(self._problems(space))
        if problems:
            raise InvalidSpec(problems, subject=f"`{self._name}` and its space")
        self._rest = [name for name in space.names() if name not in self._signature.parameters]
        plain = plain_function(function) or plain_function(type(function).__call__)
        names = {} if plain is None else plain.__globals__
        used = [] if plain is None else [name for name in outer_names(plain.__code__) if name in names]
        found = reached_by(function, self._name)
        self._parts, self.uncompared = found.parts, found.uncompared
        objects = space.with_objects()
        self.program = Program(kind="function", source=_source(plain), names=tuple(used), objects=objects)
        self.baggage = Baggage({self._name: function}, home=f"`{self._name}`", threads='executor="threads"')

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_signature"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # Read anew: a default must be the function's own object, and annotations need not be picklable.
        self._signature = _signature(self._function, self._name)

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the function, and of each function, class and plain value that it reaches."""
        return dict(self._parts)

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> Mapping[str, float] | None:  # noqa: ARG002 - a function has its own globals
        """Call the function for one trial and read what it returns as the final report.

        Raises:
            TypeError: It returned something that is no report of the objectives.
        """
        return self.call(trial, {})

    def call(self, trial: Trial, more: Mapping[str, Any]) -> Mapping[str, float] | None:
        """Run it with more arguments, for parameters that it names: they are no parameters of the trial.

        Raises:
            TypeError: It returned something that is no report of the objectives.
        """
        given = {"trial": trial, "report": trial.report, **trial.params, **more}
        bound = inspect.BoundArguments(self._signature, OrderedDict(self._arguments(given)))
        return self._report(self._function(*bound.args, **bound.kwargs))

    def traceback(self, error: BaseException) -> str:
        """Format the user's part of the traceback."""
        return user_traceback(error)

    def _arguments(self, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                yield name, {key: given.get(key) for key in self._rest}
            elif name in given and parameter.kind is not parameter.VAR_POSITIONAL:
                yield name, given[name]

    def _takes_any(self) -> bool:
        return any(each.kind is each.VAR_KEYWORD for each in self._signature.parameters.values())

    def _problems(self, space: Space) -> Iterator[Problem]:
        parameters = {
            name: each
            for name, each in self._signature.parameters.items()
            if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}
        }
        free = [name for name in parameters if name not in space and name not in _OURS]
        for name in free:
            if parameters[name].default is inspect.Parameter.empty:
                hint = (
                    nearest(name, space.names()) or "add it to space=, give it a default, or call it `trial`"
                )
                yield Problem(f"{self._name}({name})", "", "the space has no such dimension", hint)
        for name in space.names():
            if name in _OURS:
                yield Problem(f"space.{name}", "", "this name is ours in a trial", f"try `{name}_`")
            elif name not in parameters and "trial" not in parameters and not self._takes_any():
                hint = nearest(name, free) or "add the parameter, `trial`, or `**params`"
                yield Problem(f"space.{name}", "", f"`{self._name}` takes no such parameter", hint)

    def _report(self, returned: Any) -> Mapping[str, float] | None:
        if returned is None:
            return None
        if isinstance(returned, dict):
            return {metric_name(str(name)): self._number(value) for name, value in returned.items()}
        values = returned if isinstance(returned, tuple | list) else (returned,)
        numbers = [self._number(value) for value in values]
        if len(numbers) != len(self._metrics):
            wanted = ", ".join(self._metrics) or "no objective"
            raise TypeError(
                f"`{self._name}` returned {len(numbers)} values, the job's objectives are: {wanted}"
            )
        return dict(zip(self._metrics, numbers, strict=True))

    def _number(self, value: Any) -> float:
        if not isinstance(value, str):
            try:
                return float(value)
            except (TypeError, ValueError):
                pass
        raise TypeError(
            f"`{self._name}` returned {type(value).__name__} {shown(value)}; "
            "the final report is a number, a tuple of numbers, a dict of numbers, or nothing"
        )


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    if not callable(function):
        raise InvalidSpec(
            [Problem("fn", shown(function), "must be a function: train(trial) or train(lr, …)")]
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise InvalidSpec([Problem("fn", name, "must be a plain function, neither async nor a generator")])
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        problem = Problem("fn", name, "hides its parameters", "wrap it: def train(trial): …")
        raise InvalidSpec([problem]) from None


def _source(function: Callable[..., Any] | None) -> str:
    try:
        return "" if function is None else textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""
