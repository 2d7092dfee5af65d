"""A specification as text that a person can read and `lab.submit` can take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from astraml_lab.spec import JobSpec


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def readable(spec: JobSpec) -> str:
    """Return a specification as YAML, without the options that are at their default."""
    defaults = type(spec)().model_dump()
    named = {name for name, value in spec.model_dump().items() if value != defaults[name]}
    data: dict[str, Any] = spec.model_dump(mode="json", include=named - {"dry_run"}, exclude_none=True)
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text.rstrip()
