"""The options of the magic line, made from the fields of `JobSpec`: for parsing, help, Tab and the form."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec.duration import format_duration
from astraml_lab.spec.job import Definition, Goal, JobSpec, Objective, Program, option_fields
from astraml_lab.spec.problems import nearest, shown, validate
from astraml_lab.spec.space import Space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

_LINE = "the line"


class Kind(StrEnum):
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
    """

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """How it is written: `--max-runtime`."""
        return "--" + self.name.replace("_", "-")

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return self.kind not in {Kind.FLAG, Kind.TOGGLE}

    @property
    def usage(self) -> str:
        """How it is written, with its value: `--strategy auto|tpe|gp`."""
        words = {Kind.GOAL: "METRIC", Kind.PAIR: "KEY=VALUE", Kind.LIST: "A,B"}
        value = "|".join(self.choices) or words.get(self.kind, "VALUE")
        if self.kind is Kind.TOGGLE:
            return f"{self.flag}/--no-{self.flag[2:]}"
        return f"{self.flag} {value}" if self.takes_value else self.flag


def _option(name: str, info: FieldInfo) -> Option:
    types = set(_types(info.annotation))
    default = info.default
    words = info.description or ""
    choices = tuple(str(value) for kind in types for value in _choices(kind))
    if types <= {bool, type(None)}:
        return Option(name, Kind.TOGGLE if type(None) in types else Kind.FLAG, words)
    if default not in {None, PydanticUndefined, "", (), 0} and "default" not in words:
        spelled = format_duration(default) if name == "window" else str(default)
        words = f"{words.rstrip('.')} (default: {spelled})."
    kind = Kind.LIST if tuple in types else Kind.PAIR if dict in types else Kind.VALUE
    return Option(name, kind, words, choices)


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
    goals = [Option(goal.value, Kind.GOAL, f"A metric to {goal.value}; repeatable.") for goal in Goal]
    options = [*goals, *(_option(name, info) for name, info in option_fields().items())]
    return {option.flag: option for option in options}


OPTIONS: Mapping[str, Option] = MappingProxyType(_options())
"""Every option by its flag."""


@dataclass(frozen=True)
class Options:
    """A magic line, understood: field values as they were written, and the objectives in their order."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()

    def spec(self, space: Space, program: Program | None = None) -> JobSpec:
        """Build the job's specification.

        Raises:
            InvalidSpec: With every mistake in the values and in how they fit the space.
        """
        try:
            definition = validate(
                Definition, {"space": space, "objectives": self.objectives, "program": program}
            )
            return validate(JobSpec, {**self.fields, "definitions": (definition,)})
        except InvalidSpec as error:
            raise InvalidSpec(map(_as_written, error.problems)) from None


def parse_options(line: str) -> Options:
    """Read a magic line.

    Raises:
        InvalidSpec: With every mistake in it: unknown options, missing words, impossible values.
    """
    reader = _Reader()
    reader.read(line)
    options = Options(reader.fields, tuple(reader.objectives))
    problems = list(reader.problems)
    try:
        options.spec(Space({}))
    except InvalidSpec as error:
        problems += error.problems
    if problems:
        raise InvalidSpec(problems, subject="the line")
    return options


class _Reader:
    """Reads a line word by word."""

    def __init__(self) -> None:
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
                self._take(option, words.pop(0))
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
        if positive is not None and positive.kind is Kind.TOGGLE:
            self._set(positive, value=False)
        elif word.startswith("-"):
            hint = nearest(flag, OPTIONS) or "%%tune? lists all options"
            self.problems.append(Problem(flag, "", "no such option", hint))
            if rest and not rest[0].startswith("-"):
                rest.pop(0)  # its value, most likely
        else:
            while rest and not rest[0].startswith("-"):
                word += f" {rest.pop(0)}"
            name = f"--name {shlex.quote(word)}"
            self.problems.append(Problem(word, "", "is no option", f"a job is named with {name}"))

    def _take(self, option: Option, text: str) -> None:
        if option.kind is Kind.GOAL:
            if text:
                self.objectives.append(Objective(metric=text, goal=Goal(option.name)))
            else:
                self.problems.append(Problem(option.flag, "", "needs a metric", option.usage))
        elif option.kind is Kind.LIST:
            self._set(option, value=[part.strip() for part in text.split(",") if part.strip()])
        elif option.kind is Kind.PAIR:
            key, equals, value = text.partition("=")
            if equals and key:
                self.fields.setdefault(option.name, {})[key] = value
            else:
                self.problems.append(Problem(option.flag, shown(text), "must be key=value"))
        else:
            self._set(option, value=text)

    def _set(self, option: Option, *, value: Any) -> None:
        if option.name in self.fields:
            self.problems.append(Problem(option.flag, "", "is given twice"))
        self.fields[option.name] = value


def _as_written(problem: Problem) -> Problem:
    """Name the option that a problem is about, as the line spells it."""
    path = re.sub(r"^definitions\[0\]\.", "", problem.path)
    head = re.split(r"[.\[]", path)[0]
    option = OPTIONS.get("--" + head.replace("_", "-"))
    if option is None:
        return replace(problem, path="--maximize/--minimize" if head == "objectives" else path)
    return replace(problem, path=option.flag)
