"""Hyperparameters as a script gets them: what varies and what does not, under its own names, as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from astraml_lab.spec import Dialect, Discrete, SecretRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import Script, Space

TUNING_METRIC = "_tuning_objective_metric"
_PLATFORM = "sagemaker_"
"""How the names of SageMaker's own hyperparameters begin, which its scripts do not get as arguments."""


def reference(value: Any) -> SecretRef | None:
    """Return the reference that a value of a request is, also as the store gives it back."""
    if isinstance(value, SecretRef):
        return value
    if isinstance(value, dict) and value.keys() == {"secret"} and isinstance(value["secret"], str):
        return SecretRef(secret=value["secret"])
    return None


def is_reference(value: object) -> bool:
    """Whether a value is a reference; one to a name that no secret can have is none."""
    try:
        return reference(value) is not None
    except ValueError:
        return False


def hyperparameters(script: Script, space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a trial by the script's names: fixed ones first; an inactive one is left out.

    Whole numbers of a Discrete are integers: scripts read `32`, not `32.0`. Secrets are references still.
    """
    values = {name: reference(value) or value for name, value in script.fixed.items()}
    for name, value in params.items():
        if value is not None:
            dimension = space.dimensions.get(name)
            whole = isinstance(dimension, Discrete) and isinstance(value, float) and value.is_integer()
            values[script.names.get(name, name)] = int(value) if whole else value
    return values


def text_of(value: Any) -> str:
    """Return a value as it stands on a command line; strings are verbatim."""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)


def raw_of(script: Script, values: Mapping[str, Any], metric: str) -> dict[str, str]:
    """Return the values as the service hands them over, all of them text."""
    raw = {name: text_of(value) for name, value in values.items() if reference(value) is None}
    if script.convention is Dialect.SAGEMAKER and metric:
        raw.setdefault(TUNING_METRIC, metric)
    return raw


def decoded(raw: str) -> Any:
    """Return what SageMaker's toolkit makes of a hyperparameter: JSON where it is some, else the text."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):  # the second: a thousand brackets
        return raw


def is_platforms(name: str) -> bool:
    """Whether a hyperparameter is SageMaker's own."""
    return name.startswith(_PLATFORM) or name in {TUNING_METRIC, "default_user_module_name"}


def views_of(script: Script, raw: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as a function sees them: numbers as numbers, JSON decoded."""
    if script.convention is not Dialect.SAGEMAKER:
        return {name: value for name, value in values.items() if reference(value) is None}
    return {name: decoded(text) for name, text in raw.items() if not is_platforms(name)}
