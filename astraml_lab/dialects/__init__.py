"""Requests of tuning services, read as data: nothing is evaluated, no cloud is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.report_job import StandIn
from astraml_lab.dialects.translation import Export, RequestReport, Surroundings, Translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astraml_lab.spec import Dialect

__all__ = ["Export", "RequestReport", "StandIn", "Surroundings", "Translation", "read", "translate"]


def translate(
    request: object,
    dialect: Dialect | str | None = None,
    *,
    existing_jobs: Iterable[Mapping[str, Any]] = (),
    policy: Mapping[str, Any] | None = None,
    api_version: str | None = None,
    secrets: Iterable[str] | None = (),
) -> Translation:
    """Read a request of any service as a job of ours; nothing is stored and nothing runs.

    Args:
        request: A mapping, JSON or YAML text, or the path of a .json, .yaml or .yml file.
        dialect: `astraml`, `sagemaker` or `vertex`; by default what the request's fields say.
        existing_jobs: The jobs whose names are taken and that a warm start may name.
        policy: The project's policy document.
        api_version: The version that a header asks for.
        secrets: The names of the project's secrets: a reference to another one is refused. By default there
            are none; `None` refuses no reference.

    Raises:
        RequestRefused: In the service's own words; nothing was stored.
        NotFound: There is no such file.
    """
    around = Surroundings(
        existing_jobs=tuple(existing_jobs),
        policy=policy,
        api_version=api_version,
        secrets=None if secrets is None else frozenset(secrets),
    )
    return read(request, dialect, around)


def read(request: object, dialect: Dialect | str | None, around: Surroundings) -> Translation:
    """Read a request with all that it is checked against.

    Raises:
        RequestRefused: In the service's own words.
        NotFound: There is no such file.
    """
    # by name, when they are needed: `import astraml_lab` loads no reader
    plain = importlib.import_module("astraml_lab.dialects.plain")
    detect = importlib.import_module("astraml_lab.dialects.detect")
    data = plain.plain(request, dialect)
    found = detect.detect(data) if dialect is None else detect.named(dialect)
    reader = importlib.import_module(f"astraml_lab.dialects.{found}")
    translation: Translation = reader.read(data, around)
    return translation
