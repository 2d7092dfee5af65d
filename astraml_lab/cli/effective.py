"""The effective request of AstraML: each field, its value, and who said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SAID = {"request": "said", "policy": "policy", "default": "default"}


def effective_lines(outcome: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table; none for the request of another service."""
    provenance = outcome.get("provenance")
    if not isinstance(provenance, dict):
        return []
    values = dict(_values(outcome))
    rows = [(name, values[name], _source(provenance[name])) for name in provenance if name in values]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = (f"  {name:<{widths[0]}}  {value:<{widths[1]}}  {source}" for name, value, source in rows)
    return ["", "Effective request:", *lines]


def _values(outcome: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in outcome["fixed"].items():
        yield name, _short(value)
    for dimension in outcome["search_space"]:
        yield dimension["name"], _dimension(dimension)
    yield "resources.gpus", str(outcome["gpus"])
    tuning = {**(outcome["tuning"] or {}), **outcome["limits"], "pruning": outcome["pruning"]}
    yield from ((f"tuning.{name}", _short(value)) for name, value in tuning.items())


def _dimension(dimension: Mapping[str, Any]) -> str:
    if "choices" in dimension:
        return "one of " + ", ".join(map(str, dimension["choices"]))
    scale = "" if dimension["scale"] == "linear" else f", {dimension['scale']}"
    step = f", step {dimension['step']}" if "step" in dimension else ""
    return f"{dimension['low']} to {dimension['high']}{scale}{step}"


def _source(source: str) -> str:
    first, _, cut = source.partition("+")
    return _SAID.get(first, first) + (", cut to the policy's limit" if cut else "")


def _short(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"secret"}:
        return f"the secret {value['secret']}"
    return "none" if value is None else str(value)
