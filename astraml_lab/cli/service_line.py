"""The AstraML service's own command line: fields of a request as options, over those of a file."""

from __future__ import annotations

import copy
import difflib
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Place = tuple[str, ...]

_HYPER = "hyperparams"
PLACES: dict[str, Place] = {
    "project": ("project_id",),
    "name": ("name",),
    "model": ("model",),
    "dataset": ("dataset",),
    "gpus": ("resources", "gpus"),
    "batch_size": (_HYPER, "batch_size"),
    "epochs": (_HYPER, "epochs"),
    "lr": (_HYPER, "lr"),
    "patience": (_HYPER, "early_stopping", "patience"),
    "lr_scheduler": (_HYPER, "lr_scheduler"),
    "grad_accum": (_HYPER, "gradient_accumulation_steps"),
    "metric": ("tuning", "objective", "metric"),
    "direction": ("tuning", "objective", "direction"),
    "strategy": ("tuning", "strategy"),
    "max_trials": ("tuning", "max_trials"),
    "max_parallel": ("tuning", "max_parallel"),
    "max_runtime": ("tuning", "max_runtime_s"),
    "seed": ("tuning", "seed"),
    "pruning": ("tuning", "pruning"),
    "cron": ("schedule", "cron"),
    "timezone": ("schedule", "timezone"),
    "overlap": ("schedule", "overlap"),
    "missed": ("schedule", "missed_runs"),
}
"""Where in a request each option goes."""
_NUMBERS = frozenset(
    {"gpus", "batch_size", "epochs", "lr", "patience", "grad_accum", "max_trials", "max_parallel", "seed"}
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_SCALES = ("linear", "log", "reverse_log")
_TYPES = ("int", "float")
_RANGE = "NAME=MIN:MAX[:log|reverse_log][:step=S]"
_CHOICES = "NAME=a,b,c"
_BETWEEN = re.compile(r"\s*(?:\.\.+|[,;:])\s*")
"""What people write between the ends of a range."""


@dataclass
class Line:
    """A request as the command line says it.

    Attributes:
        request: The request, with what could be read of the options.
        flags: Which option said what: by JSON pointer.
        problems: What is wrong with the options themselves.
        alone: Whether there is no file, so that every field would come from an option.
    """

    request: dict[str, Any]
    alone: bool
    flags: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, flag: str, place: Place, value: Any) -> None:
        """Set a field; one that two options say is a mistake."""
        where = _pointer(place)
        if where in self.flags:
            other = self.flags[where]
            said = "say it once" if other == flag else f"{other} says the same field: keep one of them"
            self.problems.append(Problem(flag, "", said))
            return
        self.flags[where] = flag
        *sections, last = place
        inside: Any = self.request
        for section in sections:
            if inside.get(section) is None:
                inside[section] = {}
            inside = inside[section]
            if not isinstance(inside, dict):
                self.problems.append(Problem(flag, "", f"`{section}` of the file must be a mapping"))
                return
        inside[last] = value

    def follows(self, pointer: str) -> bool:
        """Tell whether a mistake of the request only follows from a range that could not be read."""
        return pointer == "/tuning" and any(
            each.path.startswith(("--tune", "--choice")) for each in self.problems
        )

    def flag_of(self, pointer: str) -> str:
        """Return how the command line says a field of the request; the pointer itself where it does not."""
        for known in sorted(self.flags, key=len, reverse=True):
            if pointer == known or pointer.startswith(known + "/"):
                return self.flags[known]
        inside = [flag for known, flag in self.flags.items() if known.startswith(pointer + "/")]
        if inside or not self.alone:
            return ", ".join(inside) or pointer
        options = {_pointer(place): _flag(name) for name, place in PLACES.items()}
        return options.get(pointer) or (
            ", ".join(flag for known, flag in options.items() if known.startswith(pointer + "/")) or pointer
        )


def read_line(
    base: Mapping[str, Any] | None,
    options: Mapping[str, str | None],
    lists: Mapping[str, Sequence[str]],
    *,
    versioned: bool = False,
) -> Line:
    """Read the options of `submit` as a request, over that of a file.

    Args:
        base: The file's request; None: there is none.
        options: Texts of options that stand once, by their names in `PLACES`.
        lists: Texts of the options in `LISTS`.
        versioned: Whether `--api-version` says the version.

    Raises:
        InvalidSpec: There is neither a file nor an option.
    """
    given = {name: text for name, text in options.items() if text is not None}
    if base is None and not given and not any(lists.values()):
        said = "a request's file, - for the standard input, or --project, --model and --dataset"
        raise InvalidSpec([Problem("FILE", "", said)], subject="the command")
    start = ({} if versioned else {"apiVersion": "2.1"}) if base is None else dict(base)
    line = Line(copy.deepcopy(start), alone=base is None)
    for name, text in given.items():
        _single(line, name, text)
    for name, read in _READERS.items():
        for text in lists.get(name, ()):
            read(line, _flag(name), text)
    return line


def scalar(text: str) -> str | float | bool:
    """Read a value as it is typed: a number, true, false, or a text."""
    if text in ("true", "false"):
        return text == "true"
    if not _NUMBER.fullmatch(text):
        return text
    try:
        return int(text)
    except ValueError:
        value = float(text)
    return value if math.isfinite(value) else text


def _single(line: Line, name: str, text: str) -> None:
    value: Any = scalar(text) if name in _NUMBERS else text
    if name == "max_runtime":
        from astraml_lab.spec import parse_duration, shown

        try:
            value = math.ceil(float(str(parse_duration(text))))
        except ValueError as error:
            line.problems.append(Problem(_flag(name), shown(text), str(error)))
            return
    line.put(_flag(name), PLACES[name], value)


def _hp(line: Line, flag: str, text: str) -> None:
    for name, value in _pair(line, flag, text, "NAME=VALUE"):
        line.put(f"{flag} {name}", _place_of(name), scalar(value))


def _choice(line: Line, flag: str, text: str) -> None:
    for name, values in _pair(line, flag, text, _CHOICES):
        choices = [each.strip() for each in values.split(",")]
        if all(choices):
            line.put(f"{flag} {name}", _place_of(name), {"choices": [scalar(each) for each in choices]})
            continue
        said = "a choice is empty" if any(choices) else "names no choice"
        kept = ",".join(each for each in choices if each)
        hint = f"did you mean {flag} {name}={kept}?" if kept else ""
        line.problems.append(Problem(f"{flag} {name}", f'"{values}"', f"{said}; write {_CHOICES}", hint))


def _tune(line: Line, flag: str, text: str) -> None:
    for name, said in _pair(line, flag, text, _RANGE):
        found = _range(said)
        if isinstance(found, str):
            hint = _meant(flag, name, said)
            line.problems.append(Problem(f"{flag} {name}", f'"{said}"', f"{found}; write {_RANGE}", hint))
        else:
            line.put(f"{flag} {name}", _place_of(name), found)


def _range(text: str) -> dict[str, Any] | str:
    """Read `1e-5:1e-3:log`; a text says what is wrong with it."""
    ends, words = text.split(":")[:2], text.split(":")[2:]
    numbers = [scalar(each) for each in ends]
    if len(ends) < 2 or any(isinstance(each, str | bool) for each in numbers):  # noqa: PLR2004 - two ends
        return "needs two numbers"
    found: dict[str, Any] = {"min": numbers[0], "max": numbers[1]}
    for word in words:
        key, _, value = word.partition("=")
        if word in _SCALES:
            found["scale"] = word
        elif word in _TYPES:
            found["type"] = word
        elif key == "step" and isinstance(scalar(value), int | float):
            found["step"] = scalar(value)
        else:
            return f'"{word}" is neither a scale nor a step'
    return found


def _meant(flag: str, name: str, text: str) -> str:
    """Suggest the nearest right spelling of a range; nothing where there is none."""
    words = [each for each in _BETWEEN.split(text.strip()) if each]
    scales = [next(iter(difflib.get_close_matches(each, _SCALES, 1)), each) for each in words[2:]]
    spelled = ":".join([*words[:2], *scales])
    if not isinstance(_range(spelled), str):
        return f"did you mean {flag} {name}={spelled}?"
    if "," in text and all(each.strip() for each in text.split(",")):
        return f"did you mean --choice {name}={text}?"
    return ""


def _env(line: Line, flag: str, text: str) -> None:
    for name, value in _pair(line, flag, text, "NAME=VALUE", secret=True):
        line.put(f"{flag} {name}", ("env", name), value)


def _env_secret(line: Line, flag: str, text: str) -> None:
    for name, value in _pair(line, flag, text, "NAME=the secret's name", secret=True):
        line.put(f"{flag} {name}", ("env", name), {"secret": value})


def _tag(line: Line, flag: str, text: str) -> None:
    for name, value in _pair(line, flag, text, "NAME=VALUE"):
        line.put(f"{flag} {name}", ("tags", name), value)


_READERS: dict[str, Callable[[Line, str, str], None]] = {
    "hp": _hp,
    "tune": _tune,
    "choice": _choice,
    "env": _env,
    "env_secret": _env_secret,
    "tag": _tag,
}


LISTS = tuple(_READERS)
"""The options that may be repeated."""


def _pair(line: Line, flag: str, text: str, form: str, *, secret: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of `NAME=VALUE`, or note that it is none; a secret is not repeated."""
    name, equals, value = text.partition("=")
    if name and equals:
        yield name, value
    else:
        line.problems.append(Problem(flag, "" if secret else f'"{text}"', form))


def _place_of(name: str) -> Place:
    """Return where a hyperparameter goes: by the request's name, or by that of its option."""
    known = PLACES.get(name.replace("-", "_"))
    if known is not None and known[0] == _HYPER:
        return known
    head, _, rest = name.partition(".")
    return (_HYPER, head, rest) if head == "early_stopping" and rest else (_HYPER, name)


def _pointer(place: Place) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
