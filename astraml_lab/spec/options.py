"""The options of the magic line, made from the fields of `JobSpec`: for parsing, help, Tab and the form."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from enum import StrEnum
from numbers import Integral, Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec.constraints import Constraint
from astraml_lab.spec.duration import format_duration, parse_duration
from astraml_lab.spec.job import Definition, Goal, JobSpec, Objective, Program, option_fields
from astraml_lab.spec.problems import nearest, shown, validate
from astraml_lab.spec.synonyms import suggested

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from astraml_lab.spec.space import Space

M = TypeVar("M", bound=BaseModel)
_LINE = "the line"
_DEFINITION = r"^definitions\[0\]\."


class OptionKind(StrEnum):
    """How an option is written."""

    GOAL = "goal"
    """`--maximize METRIC`, repeatable."""
    FLAG = "flag"
    """`--new`."""
    TOGGLE = "toggle"
    """`--wait` or `--no-wait`."""
    LIST = "list"
    """`--devices 0,2`."""
    PAIR = "pair"
    """`--tag key=value`, repeatable."""
    CONDITION = "condition"
    """`--subject-to "latency_ms <= 20"`, repeatable; all words up to the next option."""
    VALUE = "value"
    """`--trials 40`."""


@dataclass(frozen=True)
class Option:
    """One option of the line.

    Attributes:
        name: The field of `JobSpec`, or the goal.
        kind: How it is written.
        help: What it means.
        choices: The words that it takes, if it takes only these.
        of_number: Whether its value is a number or a duration: the name of a notebook's number stands for it.
    """

    name: str
    kind: OptionKind
    help: str
    choices: tuple[str, ...] = ()
    of_number: bool = False

    @property
    def flag(self) -> str:
        """How it is written: `--max-runtime`."""
        return _flag(self.name)

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return self.kind not in {OptionKind.FLAG, OptionKind.TOGGLE}

    @property
    def usage(self) -> str:
        """How it is written, with its value: `--strategy auto|tpe|gp`."""
        words = {OptionKind.GOAL: "METRIC", OptionKind.PAIR: "KEY=VALUE", OptionKind.LIST: "A,B"}
        words[OptionKind.CONDITION] = '"METRIC <= NUMBER"'
        value = "|".join(self.choices) or words.get(self.kind, "VALUE")
        if self.kind is OptionKind.TOGGLE:
            return f"{self.flag}/--no-{self.flag[2:]}"
        return f"{self.flag} {value}" if self.takes_value else self.flag


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _field(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def option_of(name: str, info: FieldInfo) -> Option:
    """Say how a field of the specification is written."""
    types = set(_types(info.annotation))
    default = info.default
    words = info.description or ""
    choices = tuple(str(value) for kind in types for value in _choices(kind))
    if types <= {bool, type(None)}:
        return Option(name, OptionKind.TOGGLE if type(None) in types else OptionKind.FLAG, words)
    if default not in {None, PydanticUndefined, "", (), 0} and "default" not in words:
        spelled = format_duration(default) if name == "window" else str(default)
        words = f"{words.rstrip('.')} (default: {spelled})."
    kind = OptionKind.LIST if tuple in types else OptionKind.PAIR if dict in types else OptionKind.VALUE
    kind = OptionKind.CONDITION if Constraint in get_args(info.annotation) else kind
    of_number = kind is OptionKind.VALUE and types <= {int, float, type(None)}
    return Option(name, kind, words, choices, of_number)


def _types(annotation: Any) -> Iterator[Any]:
    """Yield the plain types of an annotation: the parts of a union, the origin of a container."""
    origin = get_origin(annotation)
    if origin in {tuple, dict} or isinstance(annotation, type):
        yield origin or annotation
    elif origin is Literal:
        yield annotation
    else:
        for part in get_args(annotation):
            if isinstance(part, type) or get_origin(part) is not None:
                yield from _types(part)


def _choices(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, type):
        return tuple(kind) if issubclass(kind, StrEnum) else ()
    return get_args(kind)


def _options() -> dict[str, Option]:
    goals = [Option(goal.value, OptionKind.GOAL, f"A metric to {goal.value}; repeatable.") for goal in Goal]
    options = [*goals, *(option_of(name, info) for name, info in option_fields().items())]
    return {option.flag: option for option in options}


OPTIONS: Mapping[str, Option] = MappingProxyType(_options())
"""Every option by its flag."""
_FIELDS = tuple(option.name for option in OPTIONS.values())


@dataclass(frozen=True)
class Options:
    """A magic line as it was written.

    Attributes:
        fields: The values of fields.
        objectives: In their order.
        problems: What could not be read.
        numbers: The notebook's names that could stand for a number.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    problems: tuple[Problem, ...] = ()
    numbers: tuple[str, ...] = ()

    def spec(self, space: Space, program: Program | None = None) -> JobSpec:
        """Build the job's specification.

        Raises:
            InvalidSpec: With every mistake in the line, in its values and in how they fit the space.
        """
        problems = list(self.problems)
        data = {"space": space, "objectives": self.objectives, "program": program}
        definition, found = _tried(Definition, data)
        if definition is None:
            definition = Definition(space=space, objectives=self.objectives[:1])
        spec, more = _tried(JobSpec, {**self.fields, "definitions": (definition,)})
        heads = {_head(problem) for problem in more}
        sound = {name: value for name, value in self.fields.items() if name not in heads}
        if len(sound) < len(self.fields):  # how values fit together is judged where each is sound
            more += _tried(JobSpec, {**sound, "definitions": (definition,)})[1]
        problems += dict.fromkeys(self._hinted(_as_written(each)) for each in [*found, *more])
        if problems or spec is None:
            raise InvalidSpec(problems, subject="the cell")
        return spec

    def _hinted(self, problem: Problem) -> Problem:
        """Suggest the notebook's number whose name was misspelled."""
        option = OPTIONS.get(problem.path)
        if option is None or not option.of_number or problem.hint:
            return problem
        return replace(problem, hint=nearest(str(self.fields.get(option.name, "")), self.numbers))

    def problems_with(self, space: Space) -> tuple[Problem, ...]:
        """Return the line's mistakes, where the cell cannot be read."""
        try:
            self.spec(space)
        except InvalidSpec as error:
            return error.problems
        return ()


def _tried(model: type[M], data: Mapping[str, Any]) -> tuple[M | None, list[Problem]]:
    try:
        return validate(model, data), []
    except InvalidSpec as error:
        return None, list(error.problems)


def read_options(line: str, names: Mapping[str, Any] = MappingProxyType({})) -> Options:
    """Read a magic line; unknown options and missing words are told by `Options.spec`, with all else.

    Args:
        line: The line.
        names: The notebook's names: that of a number, or of a text that is a duration, stands for it where an
            option takes one: `--trials trials`.
    """
    reader = _Reader(names)
    reader.read(line)
    numbers = tuple(name for name, value in names.items() if _is_number(value))
    return Options(reader.fields, tuple(reader.objectives), tuple(reader.problems), numbers)


class _Reader:
    """Reads a line word by word."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self.fields: dict[str, Any] = {}
        self.objectives: list[Objective] = []
        self.problems: list[Problem] = []

    def read(self, line: str) -> None:
        words = self._words(line)
        while words:
            word = words.pop(0)
            flag, equals, value = word.partition("=")
            option = OPTIONS.get(flag)
            if option is None:
                self._other(word, flag, words)
            elif not option.takes_value:
                if equals:
                    self.problems.append(Problem(flag, shown(value), "takes no value"))
                self._set(option, value=True)
            elif equals:
                self._take(option, value)
            elif words and not words[0].startswith("--"):
                self._take(option, _value_in(words, option))
            else:
                self.problems.append(Problem(flag, "", "needs a value", option.usage))

    def _words(self, line: str) -> list[str]:
        try:
            return shlex.split(line)
        except ValueError as error:
            self.problems.append(Problem(_LINE, "", str(error).lower(), "quote a name with spaces: 'my job'"))
            return []

    def _other(self, word: str, flag: str, rest: list[str]) -> None:
        positive = OPTIONS.get("--" + flag.removeprefix("--no-"))
        if positive is not None and positive.kind is OptionKind.TOGGLE:
            self._set(positive, value=False)
        elif word.startswith("-"):
            hint = suggested(_field(flag), _FIELDS, _flag) or "%%tune? lists all options"
            self.problems.append(Problem(flag, "", "no such option", hint))
            if rest and not rest[0].startswith("-"):
                rest.pop(0)  # its value, most likely
        else:
            while rest and not rest[0].startswith("-"):
                word += f" {rest.pop(0)}"
            name = f"--name {shlex.quote(word)}"
            self.problems.append(Problem(word, "", "is no option", f"a job is named with {name}"))

    def _take(self, option: Option, text: str) -> None:
        if option.kind is OptionKind.GOAL:
            if text:
                self.objectives.append(Objective(metric=text, goal=Goal(option.name)))
            else:
                self.problems.append(Problem(option.flag, "", "needs a metric", option.usage))
        elif option.kind is OptionKind.CONDITION:
            self.fields.setdefault(option.name, []).append(self._limited(text))
        elif option.kind is OptionKind.LIST:
            self._set(option, value=[part.strip() for part in text.split(",") if part.strip()])
        elif option.kind is OptionKind.PAIR:
            key, equals, value = text.partition("=")
            if equals and key:
                self.fields.setdefault(option.name, {})[key] = value
            else:
                self.problems.append(Problem(option.flag, shown(text), "must be key=value"))
        else:
            self._set(option, value=self._meant(text) if option.of_number else text)

    def _meant(self, text: str) -> Any:
        """Return the notebook's number of that name, or its duration, such as `2h`; else the word itself."""
        value = self._names.get(text)
        if _is_number(value):
            return int(value) if isinstance(value, Integral) else float(value)
        return value if isinstance(value, str) and _is_duration(value) else text

    def _limited(self, text: str) -> str:
        """Put the notebook's number in place of its name behind the sign of a condition."""
        head, sign, name = text.rpartition("=")
        value = self._names.get(name.strip())
        return f"{head}{sign} {float(value)!r}" if sign and _is_number(value) else text

    def _set(self, option: Option, *, value: Any) -> None:
        if option.name in self.fields:
            self.problems.append(Problem(option.flag, "", "is given twice"))
        self.fields[option.name] = value


def _value_in(words: list[str], option: Option) -> str:
    """Take an option's value off the words that follow it."""
    taken = [words.pop(0)]
    while option.kind is OptionKind.CONDITION and words and not words[0].startswith("--"):
        taken.append(words.pop(0))
    return " ".join(taken)


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> TypeGuard[Real]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _head(problem: Problem) -> str:
    """Return the field that a problem is about."""
    return re.split(r"[.\[]", re.sub(_DEFINITION, "", problem.path))[0]


def _as_written(problem: Problem) -> Problem:
    """Name the option that a problem is about, as the line spells it."""
    path, head = re.sub(_DEFINITION, "", problem.path), _head(problem)
    option = OPTIONS.get("--" + head.replace("_", "-"))
    if option is None:
        return replace(problem, path="--maximize/--minimize" if head == "objectives" else path)
    return replace(problem, path=option.flag)
