"""The AstraML service's own command line: fields of a request as options, over those of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.text import read_text
from astraml_lab.errors import InvalidSpec, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACES = {
    "project": ("project_id",),
    "model": ("model",),
    "dataset": ("dataset",),
    "gpus": ("resources", "gpus"),
    "batch_size": ("hyperparams", "batch_size"),
    "epochs": ("hyperparams", "epochs"),
    "lr": ("hyperparams", "lr"),
}
"""Where in a request each option goes."""


def with_options(request: object | None, options: Mapping[str, Any]) -> object:
    """Return a request with the fields that the command line says; it wins over the file.

    Raises:
        InvalidSpec: There is neither a file nor an option.
        RequestRefused: The file is no request.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        if request is None:
            said = "a request's file, - for the standard input, or --project, --model and --dataset"
            raise InvalidSpec([Problem("FILE", "", said)], subject="the command")
        return request
    merged: dict[str, Any] = {"apiVersion": "2.1"} if request is None else read_text(request)
    for name, value in given.items():
        *sections, field = _PLACES[name]
        place: Any = merged
        for section in sections:
            inside = place.setdefault(section, {})
            if not isinstance(inside, dict):
                raise InvalidSpec([Problem(section, "", "must be a mapping")], subject="the file")
            place = inside
        place[field] = value
    return merged
