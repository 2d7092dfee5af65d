"""A specification as the `%%tune` line that means the same."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from astraml_lab.spec.duration import format_duration, parse_duration
from astraml_lab.spec.job import LaunchOptions, changed_options

if TYPE_CHECKING:
    from astraml_lab.spec.job import JobSpec

_REPEATED = frozenset({"subject_to"})
_DURATIONS = frozenset({"max_runtime", "retry_delay", "trial_timeout", "window"})


def line_of(spec: JobSpec) -> str:
    """Return the magic line: what differs from the defaults."""
    words = ["%%tune"]
    for objective in spec.objectives:
        words += _pair(f"--{objective.goal.value}", objective.metric)
    for name, value in changed_options(spec).items():
        words += _option(name, value)
    return " ".join(words)


def _option(name: str, value: Any) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        if name in LaunchOptions.model_fields and value:
            return [flag]
        return [flag if value else "--no-" + name.replace("_", "-")]
    if isinstance(value, dict):
        return [word for key, text in value.items() for word in _pair(flag, f"{key}={text}")]
    if isinstance(value, tuple) and name not in _REPEATED:
        return _pair(flag, ",".join(map(str, value)))
    if isinstance(value, tuple):
        return [word for each in value for word in _pair(flag, str(each))]
    return _pair(flag, text_of(name, value))


def _pair(flag: str, value: str) -> list[str]:
    # A value that looks like an option is tied to its own.
    return [f"{flag}={shlex.quote(value)}"] if value.startswith("-") else [flag, shlex.quote(value)]


def text_of(name: str, value: Any) -> str:
    """Spell an option's value as a person would."""
    if name in _DURATIONS and value is not None:
        short = format_duration(value).replace(" ", "")
        return short if parse_duration(short) == value else repr(value).removesuffix(".0")
    if isinstance(value, dict):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value}"
