"""`hyperparameterTuningJobs.list`: filtered, newest first, page by page, without the trials."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.errors import VertexError, Violation
from astraml_lab.dialects.vertex.filters import parse_filter
from astraml_lab.dialects.vertex.scalars import epoch, read_scalar
from astraml_lab.dialects.vertex.shapes import ROOT, messages, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000


@dataclass(frozen=True)
class Query:
    """What a list request asks for.

    Attributes:
        parent: `projects/…/locations/…`.
        filter: Which jobs.
        page_size: How many at once; 0 is 100, more than 1000 is 1000.
        page_token: Where to go on: of the answer before, to the same parent and filter.
        read_mask: The fields to return, comma-separated; empty or `*` is all.
    """

    parent: str = "projects/lab/locations/local"
    filter: str = ""
    page_size: int = 0
    page_token: str = ""
    read_mask: str = ""


def list_jobs(resources: Iterable[Mapping[str, Any]], query: Query) -> dict[str, Any]:
    """Answer a list request from resources of any order and parent.

    Raises:
        VertexError: INVALID_ARGUMENT at `filter`, `pageSize`, `pageToken` or `readMask`.
    """
    if query.page_size < 0:
        raise _bad("pageSize", "must not be negative")
    mask = parse_mask(query.read_mask)
    size = min(query.page_size or DEFAULT_PAGE, LARGEST_PAGE)
    rest = _rest(resources, query)
    page = rest[:size]
    answer: dict[str, Any] = {"hyperparameterTuningJobs": [_shown(each, mask) for each in page]}
    if len(rest) > size:
        answer["nextPageToken"] = _token(query, page[-1])
    return answer


def matching(resources: Iterable[Mapping[str, Any]], query: Query) -> list[dict[str, Any]]:
    """Return the jobs of all pages that are left, whatever their size.

    Raises:
        VertexError: As `list_jobs`.
    """
    mask = parse_mask(query.read_mask)
    return [_shown(each, mask) for each in _rest(resources, query)]


def _rest(resources: Iterable[Mapping[str, Any]], query: Query) -> list[Mapping[str, Any]]:
    admits, after = parse_filter(query.filter), _after(query)
    wanted = (each for each in resources if parent_of(each) == query.parent and admits(each))
    ordered = sorted(((age(each), index, each) for index, each in enumerate(wanted)), reverse=True)
    return [each for its_age, _, each in ordered if after is None or its_age < after]


def parent_of(resource: Mapping[str, Any]) -> str:
    """Return the `projects/…/locations/…` of a resource."""
    return str(resource.get("name", "")).partition("/hyperparameterTuningJobs/")[0]


def id_of(resource: Mapping[str, Any]) -> str:
    """Return the last part of a resource's name."""
    return str(resource.get("name", "")).rpartition("/")[2]


def age(resource: Mapping[str, Any]) -> tuple[float, int, str]:
    """Return what sorts resources from the oldest to the newest."""
    created, its_id = resource.get("createTime"), id_of(resource)
    at = epoch(read_scalar("Timestamp", created)) if created else 0.0
    return at, int(its_id) if its_id.isdecimal() else 0, its_id


def parse_mask(text: str) -> list[list[str]]:
    """Read a FieldMask: `name,studySpec.metrics`; empty and `*` ask for everything.

    Raises:
        VertexError: INVALID_ARGUMENT at `readMask`: no such field.
    """
    paths = [path.strip() for path in text.split(",") if path.strip()]
    if not paths or "*" in paths:
        return []
    return [_mask_path(path) for path in paths]


def masked(resource: Mapping[str, Any], mask: list[list[str]]) -> dict[str, Any]:
    """Return the part of a resource that a mask asks for."""
    if not mask:
        return dict(resource)
    found: dict[str, Any] = {}
    for name, value in resource.items():
        below = [path[1:] for path in mask if path[0] == name]
        if below:
            found[name] = value if [] in below else _part(value, below)
    return found


def _part(value: Any, mask: list[list[str]]) -> Any:
    if isinstance(value, dict):
        return masked(value, mask)
    return [_part(each, mask) for each in value] if isinstance(value, list) else value


def _mask_path(path: str) -> list[str]:
    kind, found = ROOT, []
    for word in path.split("."):
        field = spellings(kind).get(word) if kind in messages() else None
        if field is None and kind in messages():
            raise _bad("readMask", f"{path!r} names no field of a HyperparameterTuningJob")
        found.append(field.name if field else word)
        kind = field.type if field else ""
    return found


def _shown(resource: Mapping[str, Any], mask: list[list[str]]) -> dict[str, Any]:
    shown = {name: resource[name] for name in resource if name != "trials"}  # they may be costly to have
    return masked(shown, mask)


def _token(query: Query, last: Mapping[str, Any]) -> str:
    at, _, its_id = age(last)
    text = json.dumps({"query": _fingerprint(query), "at": at, "id": its_id})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _after(query: Query) -> tuple[float, int, str] | None:
    if not query.page_token:
        return None
    try:
        given = json.loads(base64.urlsafe_b64decode(query.page_token.encode()))
        its_id = str(given["id"])
        found = float(given["at"]), int(its_id) if its_id.isdecimal() else 0, its_id
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise _bad("pageToken", "is no token of an answer") from None
    if given.get("query") != _fingerprint(query):
        raise _bad("pageToken", "belongs to another parent or filter")
    return found


def _fingerprint(query: Query) -> str:
    return hashlib.sha256(f"{query.parent}\n{query.filter}".encode()).hexdigest()[:16]


def _bad(field: str, description: str) -> VertexError:
    return VertexError(f"Invalid value at {field}: {description}", violations=[Violation(field, description)])
