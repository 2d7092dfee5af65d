"""From a method and a path to what answers them."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.dialects.astraml.versions import NEWEST, version_of
from astraml_lab.service import jobs, policies, schedules, submitting, trials
from astraml_lab.service.answers import JSON, Call, Response, WrongMethod, refusal

_Handler = Callable[..., Response]
_JOB = "/v2/tuning-jobs/(?P<job>[^/:]+)"
_TRIAL = _JOB + "/trials/(?P<trial>[0-9]{1,9})"
_SCHEDULE = "/v2/schedules/(?P<schedule>[^/:]+)"
_ROUTES: tuple[tuple[str, re.Pattern[str], _Handler], ...] = tuple(
    (method, re.compile(path), handler)
    for method, path, handler in (
        ("POST", "/v2/tuning-jobs", submitting.submit),
        ("GET", "/v2/tuning-jobs", jobs.list_jobs),
        ("POST", "/v2/tuning-jobs:translate", submitting.translate),
        ("GET", _JOB, jobs.get),
        ("DELETE", _JOB, jobs.delete),
        ("POST", _JOB + ":stop", jobs.stop),
        ("GET", _JOB + "/trials", trials.list_trials),
        ("GET", _TRIAL, trials.get),
        ("GET", _TRIAL + "/metrics", trials.metrics),
        ("GET", _TRIAL + "/logs", trials.logs),
        ("GET", "/v2/schedules", schedules.list_schedules),
        ("GET", _SCHEDULE, schedules.get),
        ("DELETE", _SCHEDULE, schedules.remove),
        ("POST", _SCHEDULE + ":pause", schedules.pause),
        ("POST", _SCHEDULE + ":resume", schedules.resume),
        ("POST", _SCHEDULE + ":run", schedules.run),
        ("GET", "/v2/projects/(?P<project>[^/:]+)/policy", policies.get),
        ("PUT", "/v2/projects/(?P<project>[^/:]+)/policy", policies.put),
    )
)
_REQUEST_ID = re.compile(r"[!-~]{1,128}")


def api(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a call of the AstraML service, in this process; see `astraml_lab.service` for the paths.

    Args:
        method: GET, POST, PUT or DELETE.
        path: The path, with its query.
        body: A mapping, or JSON or YAML as text or bytes; never the path of a file.
        headers: Request headers.

    Returns:
        Status, headers and body. Nothing that a request does wrong is raised.
    """
    call = _call(path, body, headers or {})
    try:
        answer = _answer(method.upper(), call)
    except Exception as error:  # noqa: BLE001 - each becomes an answer
        answer = refusal(error, call)
    kind = {"Content-Type": JSON} if answer.body is not None else {}
    version = {"AstraML-Version": NEWEST, "X-Request-Id": call.request_id}
    return answer._replace(headers={**kind, **version, **answer.headers})


def _call(path: str, body: Any, headers: Mapping[str, str]) -> Call:
    parts = urlsplit(path)
    lower = {name.lower(): str(value) for name, value in headers.items()}
    given = lower.get("x-request-id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Call(parts.path, query, _unnamed(body), lower, request_id)


def _unnamed(body: Any) -> Any:
    """Return a body that is never taken for the name of a file: whoever calls may not see them."""
    if isinstance(body, os.PathLike):
        return None
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body


def _answer(method: str, call: Call) -> Response:
    if not call.path.startswith("/v2/"):
        raise ProblemError("not-found", "every path begins with /v2/")
    if "astraml-version" in call.headers and method != "POST":
        version_of({}, call.headers["astraml-version"])
    allowed = []
    for known, pattern, handler in _ROUTES:
        match = pattern.fullmatch(call.path)
        if match is not None and known == method:
            return handler(call, **{name: unquote(value) for name, value in match.groupdict().items()})
        if match is not None:
            allowed.append(known)
    if allowed:
        raise WrongMethod(", ".join(sorted(allowed)))
    raise ProblemError("not-found", "see `astraml_lab.service` for the paths")
