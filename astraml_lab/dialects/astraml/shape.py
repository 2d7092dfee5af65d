"""The form of a request, version 2.1: which fields there are and what each may hold; every mistake at once.

Says the same as the published JSON Schema, in sentences, with two differences: times are checked too, and
`schedule.cron` is judged by `cron` alone, so that every bad one gets its own code.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import Mistake, pointer
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Check = Callable[[Any, tuple[str | int, ...]], Iterator[Mistake]]

SCHEDULERS = (
    "cosine",
    "linear",
    "constant",
    "constant_with_warmup",
    "polynomial",
    "step",
    "exponential",
    "none",
)
VERSIONS = ("2.1", "v2.1", "2")
SCALES = ("linear", "log", "reverse_log")
WINDOWS = (1, 5, 10, 15, 30, 60, 300)
INTERVAL = frozenset({"min", "max", "scale", "step", "type"})
SECRET_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
PROJECT = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PROJECT_RULE = "2 to 63 of a-z, 0-9 and `-`, a letter first, no `-` at the end"
_HINTS = 20
"""So many unknown fields of a mapping are compared with the known ones."""
_OTHER_WORDS = {"values": "choices", "parallel_trials": "max_parallel"}
"""Words of other tuners for fields of ours; no spelling leads from one to the other."""
_RANGE = 'a range {"min", "max"} or {"choices": […]}'


def shape_mistakes(request: Mapping[str, Any]) -> list[Mistake]:
    """Find what does not have the form of a request of version 2.1."""
    return list(_REQUEST(request, ()))


def leaf_mistakes(name: str, value: Any) -> list[Mistake]:
    """Find what is wrong with one hyperparameter; `early_stopping.patience` and its like by dotted name."""
    head, _, rest = name.partition(".")
    if head == "early_stopping" and rest:
        found = _EARLY_STOPPING({rest: value}, ("hyperparams", head))
    else:
        found = HYPERPARAMS.get(name, _extra)(value, ("hyperparams", name))
    return list(found)


def is_interval(value: Any) -> bool:
    """Whether a hyperparameter's value is a range."""
    return isinstance(value, dict) and "min" in value


def is_choices(value: Any) -> bool:
    """Whether a hyperparameter's value is a list of choices."""
    return isinstance(value, dict) and "choices" in value


def is_secret(value: Any) -> bool:
    """Whether a value is the name of a secret."""
    return isinstance(value, dict) and set(value) == {"secret"}


def whole(value: Any) -> bool:
    """Whether a value is JSON's integer: 32 and 32.0, not true."""
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    )


def real(value: Any) -> bool:
    """Whether a value is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(path: tuple[str | int, ...], message: str) -> Iterator[Mistake]:
    yield Mistake(pointer(*path), message)


def _integer(least: int, most: int | None = None, *, optional: bool = False) -> Check:
    top = f" to {most}" if most is not None else " or more"
    rule = f"a whole number, {least}{top}" + (", or null" if optional else "")

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        if optional and value is None:
            return
        if not whole(value) or value < least or (most is not None and value > most):
            yield from _wrong(path, f"{_given(value)}; {rule}")

    return check


def _text(
    least: int = 0, most: int | None = None, *, form: re.Pattern[str] | None = None, rule: str = ""
) -> Check:
    said = rule or (f"a string of {least} to {most} characters" if most else "a string")

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        fits = (
            isinstance(value, str)
            and len(value) >= least
            and (most is None or len(value) <= most)
            and (form is None or form.fullmatch(value) is not None)
        )
        if not fits:
            yield from _wrong(path, f"{_given(value)}; {said}")

    return check


def _one_of(*values: Any) -> Check:
    names = ", ".join(str(value) for value in values)

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value not in values:
            hint = nearest(value, [str(each) for each in values]) if isinstance(value, str) else ""
            quotes = ' (in quotes: "2.1")' if path == ("apiVersion",) and real(value) else ""
            yield from _wrong(path, f"{_given(value)}; one of {names}{quotes}{f' ({hint})' if hint else ''}")

    return check


def _object(fields: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    needed = tuple(required)

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        if not isinstance(value, dict):
            yield from _wrong(path, f"{_given(value)}; a mapping of {', '.join(fields)}")
            return
        for name in needed:
            if name not in value:
                yield from _wrong((*path, name), "required, but absent")
        for name in fields.keys() & value.keys():
            yield from fields[name](value[name], (*path, name))
        for count, name in enumerate(name for name in value if name not in fields):
            near = _suggested(name, fields) if count < _HINTS else ""  # a search through all names each
            hint = near or f"known: {', '.join(fields)}"
            yield from _wrong((*path, name), f"no such field ({hint})")

    return check


def _suggested(name: str, names: Mapping[str, Check]) -> str:
    ours = _OTHER_WORDS.get(name)
    return f'did you mean "{ours}"?' if ours in names else nearest(name, names)


def _mapping(
    check_value: Check, check_name: Callable[[str], str], most: int, known: Mapping[str, Check]
) -> Check:
    """Check a mapping with names of the user's own.

    Args:
        check_value: For each value.
        check_name: Returns what is wrong with a name, or nothing.
        most: How many members it may have.
        known: Names that have their own check.
    """

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        if not isinstance(value, dict):
            yield from _wrong(path, f"{_given(value)}; a mapping")
            return
        if len(value) > most:
            yield from _wrong(path, f"has {len(value)} members; {most} at most")
        for name, each in value.items():
            bad = check_name(name)
            if bad:
                yield from _wrong((*path, name), bad)
            else:
                yield from known.get(name, check_value)(each, (*path, name))

    return check


def _name(form: re.Pattern[str], rule: str) -> Callable[[str], str]:
    return lambda name: "" if form.fullmatch(name) else f"the name is {rule}"


def _tag_name(name: str) -> str:
    return "" if 1 <= len(name) <= 128 else "the name has 1 to 128 characters"  # noqa: PLR2004 - the schema's


def _env(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if isinstance(value, dict):
        yield from _secret(value, path)
    elif not isinstance(value, str) or len(value) > 4096:  # noqa: PLR2004 - the schema's
        yield from _wrong(path, 'a string of at most 4096 characters, or {"secret": "name"}')


def _secret(value: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Mistake]:
    name = value.get("secret")
    if set(value) != {"secret"} or not isinstance(name, str) or not SECRET_NAME.fullmatch(name):
        yield from _wrong(path, 'a reference is {"secret": "name"}, a name of a-z, 0-9, `_` and `-`')


def _searchable(
    rule: str, fits: Callable[[Any], bool], may_choose: Callable[[Any], bool], *, ranges: bool
) -> Check:
    """Check a hyperparameter that takes a value, or a range, or choices in its place."""

    def check(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
        if is_choices(value):
            yield from _choices(value, path, may_choose)
        elif ranges and isinstance(value, dict):
            yield from _interval(value, path)
        elif isinstance(value, list):
            yield from _wrong(path, f"a list could be a value or choices; write {_RANGE}")
        elif not fits(value):
            other = f", {_RANGE}" if ranges else ', or {"choices": […]}'
            yield from _wrong(path, f"{_given(value)}; {rule}{other}")

    return check


def _interval(value: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Mistake]:
    bad = []
    missing = [name for name in ("min", "max") if name not in value]
    unknown = [name for name in value if name not in INTERVAL]
    if "values" in unknown:
        yield from _wrong(path, 'a range has no values; did you mean {"choices": […]}?')
        return
    if missing:
        bad.append(f"a range needs {' and '.join(missing)}")
    if unknown:
        bad.append(f"a range has no {', '.join(unknown)} ({', '.join(sorted(INTERVAL))})")
    if not all(real(value[name]) for name in ("min", "max", "step") if name in value):
        bad.append("min, max and step are numbers")
    elif "step" in value and value["step"] <= 0:
        bad.append(f"step is above 0, not {value['step']}")
    for name, names in (("scale", SCALES), ("type", ("int", "float"))):
        if name in value and (not isinstance(value[name], str) or value[name] not in names):
            bad.append(f"{name} is one of {', '.join(names)}")
    if bad:
        yield from _wrong(path, "; ".join(bad))


def _choices(
    value: dict[str, Any], path: tuple[str | int, ...], may_choose: Callable[[Any], bool]
) -> Iterator[Mistake]:
    choices = value["choices"]
    if set(value) != {"choices"}:
        yield from _wrong(path, 'choices stand alone: {"choices": […]}')
    elif not isinstance(choices, list) or not 1 <= len(choices) <= 30:  # noqa: PLR2004 - the schema's
        yield from _wrong(path, "choices are a list of 1 to 30")
    elif not all(map(may_choose, choices)):
        bad = next(each for each in choices if not may_choose(each))
        yield from _wrong(path, f"{_given(bad)} cannot be a choice here")
    elif len({(isinstance(each, bool), each) for each in choices}) != len(choices):
        yield from _wrong(path, "each choice stands once")


def _extra(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if isinstance(value, dict) and "secret" in value:
        yield from _secret(value, path)
    else:
        yield from _any_value(value, path)


def _scalar(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


_any_value = _searchable("a string, number or boolean", _scalar, _scalar, ranges=True)


def _counted(least: int) -> Check:
    rule = f"a whole number, {least} or more"
    return _searchable(rule, lambda value: whole(value) and value >= least, whole, ranges=True)


def _stopping_early(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if value is not None:
        yield from _EARLY_STOPPING(value, path)


def _at_least_zero(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if not real(value) or value < 0:
        yield from _wrong(path, f"{_given(value)}; a number, 0 or more")


def _flag(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if not isinstance(value, bool):
        yield from _wrong(path, f"{_given(value)}; true or false")


def _moment(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    try:
        good = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        good = False
    if not good:
        yield from _wrong(path, f"{_given(value)}; a time with its zone: 2026-01-31T08:00:00Z")


def _cron(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if not isinstance(value, str):
        yield from _wrong(path, f'{_given(value)}; five fields in a string: "0 2 * * *"')


def _definitions(value: Any, path: tuple[str | int, ...]) -> Iterator[Mistake]:
    if not isinstance(value, list) or len(value) > 40:  # noqa: PLR2004 - the schema's
        yield from _wrong(path, 'a list of at most 40 {"name", "regex"}')
        return
    each = _object({"name": _text(1, 255), "regex": _text(1, 500)}, ("name", "regex"))
    for index, item in enumerate(value):
        yield from each(item, (*path, index))


def _given(value: Any) -> str:
    return f"is {shown(value)}"


_EARLY_STOPPING = _object({"patience": _counted(0), "metric": _text(1, 255), "min_delta": _at_least_zero})
HYPERPARAMS: dict[str, Check] = {
    "batch_size": _counted(1),
    "lr": _searchable("a number above 0", lambda value: real(value) and value > 0, _scalar, ranges=True),
    "epochs": _counted(1),
    "early_stopping": _stopping_early,
    "lr_scheduler": _searchable(
        f"one of {', '.join(SCHEDULERS)}", SCHEDULERS.__contains__, SCHEDULERS.__contains__, ranges=False
    ),
    "gradient_accumulation_steps": _counted(1),
}
_OBJECTIVE = _object(
    {"metric": _text(1, 255), "direction": _one_of("minimize", "maximize")}, ("metric", "direction")
)
TUNING: dict[str, Check] = {
    "objective": _OBJECTIVE,
    "strategy": _one_of("bayesian", "random", "grid", "hyperband"),
    "max_trials": _integer(1, 10_000),
    "max_parallel": _integer(1, 100),
    "max_runtime_s": _integer(1, optional=True),
    "trial_timeout_s": _integer(1),
    "seed": _integer(0, 2**32 - 1, optional=True),
    "pruning": _one_of("none", "median", "hyperband"),
}
RESOURCES: dict[str, Check] = {"gpus": _integer(0, 64)}
METRICS: dict[str, Check] = {"window_s": _one_of(*WINDOWS), "definitions": _definitions}
_SCHEDULE: dict[str, Check] = {
    "cron": _cron,
    "timezone": _text(),
    "missed_runs": _one_of("skip", "run_once", "run_all"),
    "overlap": _one_of("forbid", "allow", "replace"),
    "misfire_grace_s": _integer(0, 86_400),
    "start": _moment,
    "end": _moment,
    "enabled": _flag,
}
_FIELDS: dict[str, Check] = {
    "apiVersion": _one_of(*VERSIONS),
    "project_id": _text(form=PROJECT, rule=_PROJECT_RULE),
    "name": _text(1, 128),
    "dataset": _text(1, 2048),
    "model": _text(1, 256),
    "hyperparams": _mapping(
        _extra, _name(EXTRA_NAME, "1 to 128 of letters, digits, `_`, `.` and `-`"), 100, HYPERPARAMS
    ),
    "resources": _object(RESOURCES),
    "tuning": _object(TUNING, ("objective",)),
    "metrics": _object(METRICS),
    "env": _mapping(_env, _name(_ENV_NAME, "1 to 128 of letters, digits and `_`"), 100, {}),
    "tags": _mapping(_text(0, 256), _tag_name, 50, {}),
    "schedule": _object(_SCHEDULE, ("cron",)),
}
_REQUEST = _object(_FIELDS, ("project_id", "dataset", "model"))
