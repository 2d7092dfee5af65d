"""From pydantic's findings to our `Problem`s: every mistake at once, each with what would be right."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from astraml_lab.errors import InvalidSpec, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
_SHOWN = 80
_WHOLE, _NUMBER = "must be a whole number", "must be a number"
_PLAIN = {"int_parsing": _WHOLE, "int_type": _WHOLE, "float_parsing": _NUMBER, "float_type": _NUMBER}
"""What pydantic says at length."""
_MEANT = {
    **dict.fromkeys(("none", "false", "no", "never", "nop", "nopruner", "noppruner"), "off"),
    **dict.fromkeys(("sha", "successivehalving", "successivehalvingpruner"), "asha"),
    **dict.fromkeys(("bayes", "bayesian", "bo", "bayesianoptimization"), "auto"),
    **dict.fromkeys(("evolutionary", "evolution", "genetic", "ga"), "nsga2"),
    **dict.fromkeys(("sobol", "halton"), "qmc"),
    **dict.fromkeys(("gaussianprocess", "gaussian"), "gp"),
}
"""What other tuners call our values, in lower case and as one word."""
# The tag of a union stands in pydantic's location, though the user never wrote it there.
_TAGS = frozenset({"float", "int", "categorical", "discrete"})


class FoundProblems(ValueError):
    """Several mistakes that one validator found; `from_validation_error` unpacks them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def validate(model: type[M], data: Mapping[str, Any], *, subject: str = "the job") -> M:
    """Build `model` from `data`, at the door.

    Raises:
        InvalidSpec: With every mistake in it.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise InvalidSpec(from_validation_error(error, model), subject=subject) from None


def from_validation_error(error: ValidationError, model: type[BaseModel] | None = None) -> list[Problem]:
    """Say pydantic's findings in our words."""
    problems: list[Problem] = []
    details = error.errors(include_url=False)
    if (
        len(details) > 1
    ):  # pydantic counts only the good members: a list whose every member is bad is "too short"
        details = [detail for detail in details if detail["type"] != "too_short"]
    for detail in details:
        path = path_of(detail["loc"])
        cause = (detail.get("ctx") or {}).get("error")
        if isinstance(cause, FoundProblems):
            problems += [_below(path, problem) for problem in cause.problems]
        else:
            problems.append(_from_detail(path, detail, model))
    return problems


def path_of(location: Sequence[str | int]) -> str:
    """Spell a location as the user would: `definitions[0].space.lr.low`."""
    path = ""
    for index, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _is_tag(location, index):
            path += f".{part}" if path else part
    return path


def closest(name: str, names: Iterable[str]) -> str:
    """Return the valid name closest to `name`, or nothing where none is near."""
    matches = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    letters = sorted(name)  # of equally near ones, two letters changed places rather than one was mistyped
    matches.sort(key=lambda each: sorted(each) != letters)
    return matches[0] if matches else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """Suggest the valid name closest to `name`: `did you mean "trials"?`, or nothing."""
    near = closest(name, names)
    return f'did you mean "{near}"?' if near else ""


def shown(value: object) -> str:
    """Spell a value for a message, cut where it would flood it."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _below(path: str, problem: Problem) -> Problem:
    where = f"{path}.{problem.path}" if path and problem.path else path or problem.path
    return Problem(where, problem.given, problem.allowed, problem.hint)


def _from_detail(path: str, detail: ErrorDetails, model: type[BaseModel] | None) -> Problem:
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind == "extra_forbidden":
        name = str(detail["loc"][-1])
        names = _names_at(model, detail["loc"][:-1])
        return Problem(path, "", "no such field", nearest(name, names) or _known(names))
    if kind == "missing":
        return Problem(path, "", "required, but absent")
    if kind in {"enum", "literal_error", "union_tag_invalid"}:
        expected = str(context.get("expected") or context.get("expected_tags") or "")
        names = [name.strip(" '") for part in expected.split(" or ") for name in part.split(",")]
        hint = _value_meant(str(detail["input"]), names) if not isinstance(detail["input"], dict) else ""
        return Problem(path, shown(detail["input"]), "one of " + ", ".join(names), hint)
    if kind in _PLAIN:
        return Problem(path, shown(detail["input"]), _PLAIN[kind])
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Problem(path, shown(detail["input"]), "must be " + message)


def _value_meant(given: str, names: Sequence[str]) -> str:
    """Suggest the value that a word may mean, by what others call it or by how it is spelled."""
    word = given.lower()
    ours = _MEANT.get("".join(filter(str.isalnum, word)), "")
    return nearest(ours, names) or nearest(given, names) or nearest(word, names)


def _known(names: Sequence[str]) -> str:
    return "known: " + ", ".join(names) if names else ""


def _names_at(model: type[BaseModel] | None, location: Sequence[str | int]) -> list[str]:
    """Return the field names that are allowed at `location` below `model`."""
    found = [model] if model is not None else []
    for part in location:
        if not isinstance(part, int):
            found = [inner for outer in found for inner in _inside(outer, part)]
    return sorted({name for each in found for name in each.model_fields})


def _inside(model: type[BaseModel], part: str) -> list[type[BaseModel]]:
    """Return the models one step down: behind a field, a key of a root mapping, or a tag."""
    fields = model.model_fields
    if "root" in fields:
        return _models_in(fields["root"].annotation)
    if part in fields:
        return _models_in(fields[part].annotation)
    return [model] if "type" in fields and fields["type"].default == part else []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _is_tag(location: Sequence[str | int], index: int) -> bool:
    """Whether a part is pydantic's tag of a dimension rather than a dimension called `int`."""
    return index > 0 and location[index] in _TAGS and location[index - 1] != "space"
