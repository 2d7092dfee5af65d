"""Versions of the request format: which one a request is in, and the way from 1.x to 2.1.

What version 1 took where a request said nothing is not known. So nothing is guessed: a version 1 request has
to say the three fields whose defaults changed, and `migrate` marks them where they are missing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import Mistake, ProblemError, pointer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEWEST = "2.1"
SUPPORTED = ("2.1",)
_ALIASES = {"2.1": NEWEST, "v2.1": NEWEST, "2": NEWEST, "v2": NEWEST}
_ONE = re.compile(r"v?(1(?:\.[0-9x]{1,9})?)")
_CHANGED: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("lr_scheduler",), "cosine"),
    (("early_stopping", "patience"), 5),
    (("batch_size",), 32),
)
"""What version 1 requests have to say, with the default of version 2.1."""


@dataclass(frozen=True)
class Version:
    """How a request is read.

    Attributes:
        name: The version that is used.
        migrated_from: The version that it is in, where that is another one.
        said: Whether the request or a header names it.
    """

    name: str = NEWEST
    migrated_from: str = ""
    said: bool = True


def version_of(request: Mapping[str, Any], header: str | None) -> Version:
    """Tell the version of a request by its `apiVersion` and a header.

    Raises:
        ProblemError: `version-mismatch`, `unsupported-version`, or `migration-required` for a version 1
            request that leaves out what changed.
    """
    body = request.get("apiVersion")
    if body is not None and not isinstance(body, str):
        return Version()  # the form is checked later
    header = header or None
    if body is not None and header is not None and _plain(body) != _plain(header):
        detail = f"the body says version {body[:20]}, the header {header[:20]}"
        raise ProblemError("version-mismatch", errors=[Mistake("/apiVersion", detail)])
    name = body if body is not None else header
    if name is None:
        return Version(said="apiVersion" in request)
    if _plain(name) in SUPPORTED:
        return Version()
    old = _ONE.fullmatch(name)
    if old is None:
        where = "/apiVersion" if body is not None else ""
        message = f"there is no version {name[:20]}; supported: {', '.join(SUPPORTED)}"
        raise ProblemError("unsupported-version", errors=[Mistake(where, message, list(SUPPORTED))])
    _require_what_changed(request)
    return Version(migrated_from=old[1])


def migrate(text: str | bytes | Path, *, accept_defaults: bool = False) -> tuple[str, str]:
    """Bring the text of a version 1 request to version 2.1, as JSON.

    Args:
        text: JSON or YAML, as text or bytes, or the path of such a file.
        accept_defaults: Fill in the defaults of version 2.1 in place of marks that keep the text invalid.

    Returns:
        The new text, and a difference of three lines, one for each field that has to be looked at.

    Raises:
        ProblemError: The text is no request, or is in another version.
    """
    from astraml_lab.dialects.text import read_text

    request = read_text(text)
    version = request.get("apiVersion")
    if not isinstance(version, str) or _ONE.fullmatch(version) is None:
        given = "no version" if version is None else f"version {str(version)[:20]}"
        raise ProblemError(
            "unsupported-version", f'the request says {given}; migrate reads "apiVersion": "1.x"'
        )
    hyperparams = request.get("hyperparams", {})
    if not isinstance(hyperparams, dict):
        raise ProblemError("schema-violation", errors=[Mistake("/hyperparams", "a mapping")])
    lines = []
    for path, default in _CHANGED:
        mark: Any = default if accept_defaults else f"<<CHOOSE: v2.1 default is {default}>>"
        missing = not _says(hyperparams, path)
        if missing:
            _put(hyperparams, path, mark)
        said = json.dumps(_found(hyperparams, path))
        lines.append(f"{'+' if missing else ' '} {pointer('hyperparams', *path)}: {said}")
    rest = {name: value for name, value in request.items() if name not in {"apiVersion", "hyperparams"}}
    migrated = {"apiVersion": NEWEST, **rest, "hyperparams": hyperparams}
    return json.dumps(migrated, indent=2, ensure_ascii=False) + "\n", "\n".join(lines)


def _plain(name: str) -> str:
    return _ALIASES.get(name, name)


def _require_what_changed(request: Mapping[str, Any]) -> None:
    hyperparams = request.get("hyperparams", {})
    if not isinstance(hyperparams, dict):
        return  # the form is checked later
    missing = [
        Mistake(
            pointer("hyperparams", *path), f"version 1 had another default; say it (2.1 would take {default})"
        )
        for path, default in _CHANGED
        if not _says(hyperparams, path)
    ]
    if missing:
        raise ProblemError("migration-required", errors=missing)


def _says(hyperparams: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    head, *rest = path
    if head not in hyperparams:
        return False
    inner = hyperparams[head]
    return not rest or inner is None or not isinstance(inner, dict) or rest[0] in inner


def _put(hyperparams: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        hyperparams = hyperparams.setdefault(name, {})
    hyperparams[path[-1]] = value


def _found(hyperparams: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = hyperparams
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found
