"""The policy of a project: its own defaults, ceilings over numbers, and lists of what is allowed.

    {"defaults": {"batch_size": 16}, "ceilings": {"gpus": 4, "max_trials": 100},
     "allowed": {"strategy": ["random"], "dataset_prefixes": ["s3://team/"]}}

Fields are named as in a request, nested or dotted: `resources: {gpus: 4}`, `resources.gpus` or, where it is
clear, `gpus`. A bare name that no section has is a hyperparameter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import Mistake, ProblemError, pointer
from astraml_lab.dialects.astraml.ranges import LEAST, is_searched, leaf_pointer
from astraml_lab.dialects.astraml.shape import METRICS, RESOURCES, TUNING, leaf_mistakes, real
from astraml_lab.spec import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PARTS = ("defaults", "ceilings", "allowed", "version")
_SECTIONS = {"resources": RESOURCES, "tuning": TUNING, "metrics": METRICS}
_AT_TOP = ("dataset", "model")
PREFIXES = "_prefixes"
WHOLE = {
    "resources.gpus": 0,
    "tuning.max_trials": 1,
    "tuning.max_parallel": 1,
    "tuning.max_runtime_s": 1,
    "tuning.trial_timeout_s": 1,
    "tuning.seed": 0,
    **LEAST,
}
"""Fields that are whole numbers, with their least value."""


@dataclass(frozen=True)
class Policy:
    """A project's policy, with fields by dotted name; hyperparameters without their section.

    Attributes:
        defaults: Values in place of the system's.
        ceilings: The largest values that are allowed.
        allowed: The values that are allowed; for `dataset_prefixes` and `model_prefixes`, their beginnings.
        version: Counts the project's policies.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    allowed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    version: int | None = None


def read_policy(document: Mapping[str, Any] | None) -> Policy:
    """Read a policy document.

    Raises:
        ProblemError: With every mistake in it, `schema-violation`.
    """
    if document is None:
        return Policy()
    given = {part: document.get(part, {}) for part in ("defaults", "ceilings", "allowed")}
    parts = {part: dict(_flat(value)) if isinstance(value, dict) else {} for part, value in given.items()}
    mistakes = [
        *_document_mistakes(document),
        *_misspelled(given),
        *_default_mistakes(parts["defaults"]),
        *_ceiling_mistakes(parts["ceilings"]),
        *_allowed_mistakes(parts["allowed"]),
        *_contradictions(parts["ceilings"], parts["allowed"]),
    ]
    if mistakes:
        raise ProblemError("schema-violation", "the policy cannot be taken:", mistakes)
    return Policy(**parts, version=document.get("version"))


def field_pointer(name: str) -> str:
    """Return where a field of that dotted name stands in a request."""
    section, _, inner = name.partition(".")
    if section in _SECTIONS and inner:
        return pointer(section, inner)
    return pointer(name) if name in _AT_TOP else leaf_pointer(name)


def _document_mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    for part, value in document.items():
        if part not in _PARTS:
            hint = nearest(part, _PARTS) or f"known: {', '.join(_PARTS)}"
            yield Mistake(pointer(part), f"a policy has no such part ({hint})")
        elif part == "version":
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                yield Mistake("/version", "a whole number")
        elif not isinstance(value, dict):
            yield Mistake(pointer(part), "a mapping by field")


def _misspelled(given: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find bare names that are nearly a field's: as hyperparameters they would limit nothing."""
    known = {*chain.from_iterable(_SECTIONS.values()), *WHOLE, "early_stopping", "lr", "lr_scheduler"}
    for part, fields in given.items():
        names = fields if isinstance(fields, dict) else ()
        beginnings = {*_AT_TOP, *(f"{each}{PREFIXES}" for each in _AT_TOP)} if part == "allowed" else set()
        for name in names:
            plain = "." not in name and name not in {*known, *beginnings, *_SECTIONS, "hyperparams"}
            hint = nearest(name, sorted(known | beginnings)) if plain else ""
            if hint:
                said = f"no field ({hint}; a hyperparameter of that name is `hyperparams.{name}`)"
                yield Mistake(pointer(part, name), said)


def _flat(part: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        nested = isinstance(value, dict) and not is_searched(value)
        if nested and not section and name in {*_SECTIONS, "hyperparams"}:
            yield from _flat(value, name)
        elif nested and name == "early_stopping" and section in {"", "hyperparams"}:
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            yield _full(name, section), value


def _full(name: str, section: str) -> str:
    if section in _SECTIONS:
        return f"{section}.{name}"
    if section == "hyperparams" or name.startswith("hyperparams."):
        return name.removeprefix("hyperparams.")
    return next((f"{each}.{name}" for each, fields in _SECTIONS.items() if name in fields), name)


def _default_mistakes(defaults: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, value in defaults.items():
        where = pointer("defaults", name)
        if is_searched(value):
            yield Mistake(where, "a default is a value, not a range")
        elif name in _AT_TOP or name in {"tuning.objective", "metrics.definitions"}:
            yield Mistake(where, "has no default: each request says it itself")
        else:
            yield from (Mistake(where, found) for found in _field_mistakes(name, value))


def _ceiling_mistakes(ceilings: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, value in ceilings.items():
        least = WHOLE.get(name)
        if name == "metrics.window_s":
            yield Mistake(pointer("ceilings", name), "takes one of a few values: use `allowed`")
        elif not real(value):
            yield Mistake(pointer("ceilings", name), "a ceiling is a number")
        elif least is not None and value < least:
            yield Mistake(
                pointer("ceilings", name), f"{value} is below {least}, the least that a request may say"
            )


def _allowed_mistakes(allowed: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, value in allowed.items():
        where = pointer("allowed", name)
        if not isinstance(value, list | tuple) or not value:
            yield Mistake(where, "a list of what is allowed, one at least")
        elif name.endswith(PREFIXES) or name in _AT_TOP:
            if not all(isinstance(each, str) for each in value):
                yield Mistake(where, "a list of strings")
        else:
            yield from (Mistake(where, found) for each in value for found in _field_mistakes(name, each))


def _contradictions(ceilings: Mapping[str, Any], allowed: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find fields that can have no value at all."""
    for name, ceiling in ceilings.items():
        listed = allowed.get(name)
        values = listed if isinstance(listed, list | tuple) and all(map(real, listed)) else ()
        if values and real(ceiling) and min(values) > ceiling:
            yield Mistake(pointer("allowed", name), f"all of it is above the ceiling, {ceiling}")


def _field_mistakes(name: str, value: Any) -> Iterator[str]:
    """Say why a field, or a hyperparameter, cannot have a value."""
    section, _, inner = name.partition(".")
    if section in _SECTIONS and inner:
        check = _SECTIONS[section].get(inner)
        yield from ("no such field",) if check is None else (each.message for each in check(value, ()))
    else:
        yield from (each.message for each in leaf_mistakes(name, value))
