"""The effective request: what it says, else the policy's default, else the system's; then the limits.

An explicit value beyond a limit is refused; a default beyond it is brought to it, and says so.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from astraml_lab.dialects.astraml.policy import PREFIXES, WHOLE, Policy, field_pointer
from astraml_lab.dialects.astraml.problem import Mistake, pointer
from astraml_lab.dialects.astraml.ranges import dimension_of, is_searched, leaves, top
from astraml_lab.dialects.astraml.shape import is_choices, real
from astraml_lab.spec import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HYPERPARAMS: dict[str, Any] = {
    "batch_size": 32,
    "lr": 3e-5,
    "epochs": 5,
    "early_stopping.patience": 5,
    "lr_scheduler": "cosine",
    "gradient_accumulation_steps": 1,
}
RESOURCES: dict[str, Any] = {"resources.gpus": 1}
METRICS: dict[str, Any] = {"metrics.window_s": 30}
TUNING: dict[str, Any] = {
    "tuning.strategy": "bayesian",
    "tuning.max_trials": 20,
    "tuning.max_parallel": 1,
    "tuning.max_runtime_s": None,
    "tuning.trial_timeout_s": 86_400,
    "tuning.seed": None,
    "tuning.pruning": "none",
}
_OFF = "early_stopping"


@dataclass(frozen=True)
class Effective:
    """Every field that has a default, with its value and where that came from.

    Attributes:
        values: By dotted name; hyperparameters without their section. Ranges are as they were given.
        provenance: `request`, `policy` or `default`, with `+clamped` where a ceiling lowered a default.
        mistakes: Explicit values beyond the policy.
    """

    values: Mapping[str, Any]
    provenance: Mapping[str, str]
    mistakes: tuple[Mistake, ...]

    def of(self, section: str) -> dict[str, Any]:
        """Return the fields of a section of the request by their bare names."""
        prefix = f"{section}."
        return {n.removeprefix(prefix): v for n, v in self.values.items() if n.startswith(prefix)}

    @property
    def hyperparams(self) -> dict[str, Any]:
        """The hyperparameters by dotted name, sorted."""
        sections = ("resources.", "metrics.", "tuning.")
        return {name: self.values[name] for name in sorted(self.values) if not name.startswith(sections)}


def is_tuned(request: Mapping[str, Any]) -> bool:
    """Whether a well-formed request holds a range."""
    return any(is_searched(value) for _, value in leaves(request.get("hyperparams", {})))


def resolve(request: Mapping[str, Any], policy: Policy) -> Effective:
    """Find the effective value of every field of a well-formed request."""
    asked = _asked(request)
    system = {**HYPERPARAMS, **RESOURCES, **METRICS, **(TUNING if is_tuned(request) else {})}
    layers = (("request", asked), ("policy", _meant(policy.defaults, system)), ("default", system))
    values: dict[str, Any] = {}
    provenance: dict[str, str] = {}
    for source, layer in layers:
        # switched off, or set, by a stronger layer: a weaker one does not add to it
        said = set(values)
        for name, value in layer.items():
            if name not in said and not _overruled(name, said):
                values[name], provenance[name] = value, source
    mistakes = [*_top_mistakes(request, policy)]
    for name in values:
        mistakes += _limit(name, values, provenance, policy)
    ordered = {name: provenance[name] for name in sorted(provenance)}
    return Effective(values, ordered, tuple(mistakes))


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(leaves(request.get("hyperparams", {})))
    for section, known in (("resources", RESOURCES), ("metrics", METRICS), ("tuning", TUNING)):
        given = request.get(section, {})
        found.update({f"{section}.{n}": v for n, v in given.items() if f"{section}.{n}" in known})
    # JSON's 32.0 is a whole number
    return {n: int(v) if n in WHOLE and isinstance(v, float) else v for n, v in found.items()}


def _meant(defaults: Mapping[str, Any], system: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults that concern this request: a single run has no `tuning`."""
    return {
        name: value for name, value in defaults.items() if name in system or not name.startswith("tuning.")
    }


def _overruled(name: str, said: set[str]) -> bool:
    inside = name.startswith(f"{_OFF}.")
    return (inside and _OFF in said) or (name == _OFF and any(each.startswith(f"{_OFF}.") for each in said))


def _limit(
    name: str, values: dict[str, Any], provenance: dict[str, str], policy: Policy
) -> Iterator[Mistake]:
    """Hold a field against the policy: refuse what was asked, bring a default to the limit."""
    ceiling, allowed = policy.ceilings.get(name), policy.allowed.get(name)
    value = values[name]
    if allowed is not None and not _is_allowed(value, allowed):
        if provenance[name] == "request":
            yield _crossed(name, f"{shown(value)} is not one of {shown(list(allowed))}", list(allowed))
            return
        within = [each for each in allowed if ceiling is None or not _is_above(name, each, ceiling)]
        values[name] = value = within[0] if within else allowed[0]
        provenance[name] += "+clamped"
    if ceiling is not None and _is_above(name, value, ceiling):
        if provenance[name] == "request":
            yield _crossed(
                name, f"{_highest(name, value)} is above the project's ceiling, {ceiling}", ceiling
            )
            return
        within = [each for each in allowed or () if not _is_above(name, each, ceiling)]
        lowered = int(ceiling) if isinstance(value, int) or value is None else ceiling
        values[name] = max(within) if within else lowered
        if not provenance[name].endswith("+clamped"):
            provenance[name] += "+clamped"


def _crossed(name: str, message: str, limit: Any) -> Mistake:
    return Mistake(field_pointer(name), message, limit, code="policy-violation")


def _is_allowed(value: Any, allowed: Sequence[Any]) -> bool:
    if is_choices(value):
        return all(_is_allowed(choice, allowed) for choice in value["choices"])
    # Python's True is 1, JSON's is not
    return any(value == each and isinstance(value, bool) is isinstance(each, bool) for each in allowed)


def _is_above(name: str, value: Any, ceiling: float) -> bool:
    if value is None:
        return name == "tuning.max_runtime_s"  # no limit at all
    highest = _highest(name, value)
    return real(highest) and highest > ceiling


def _highest(name: str, value: Any) -> Any:
    """Return what a ceiling tests: the value, or the upper end of a range."""
    if value is None:
        return "no limit"
    return top(dimension_of(name, value)) if is_searched(value) else value


def _top_mistakes(request: Mapping[str, Any], policy: Policy) -> Iterator[Mistake]:
    for name in ("dataset", "model"):
        value = request[name]
        prefixes = policy.allowed.get(name + PREFIXES)
        if prefixes is not None and not any(_begins(value, prefix) for prefix in prefixes):
            message = f"begins with none of {', '.join(prefixes)}"
            yield Mistake(pointer(name), message, list(prefixes), code="policy-violation")
        exact = policy.allowed.get(name)
        if exact is not None and value not in exact:
            message = f"is not one of {shown(list(exact))}"
            yield Mistake(pointer(name), message, list(exact), code="policy-violation")


def _begins(value: str, prefix: str) -> bool:
    """Whether a URI or path lies below a prefix; `..` does not lead out of it."""
    plain = unquote(value)
    if ".." in plain.replace("\\", "/").split("/"):
        scheme, mark, rest = plain.partition("://")
        plain = scheme + mark + posixpath.normpath(rest) if mark else posixpath.normpath(plain)
    return plain.startswith(prefix) and value.startswith(prefix)
