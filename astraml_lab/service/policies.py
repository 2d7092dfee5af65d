"""The policies of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.errors import NotFound
from astraml_lab.lab.policies import policy, set_policy
from astraml_lab.service.answers import Response

if TYPE_CHECKING:
    from astraml_lab.service.answers import Call


def get(call: Call, project: str) -> Response:  # noqa: ARG001 - handlers are called alike
    """Answer with a project's policy."""
    try:
        return Response(200, {}, policy(project))
    except NotFound:
        raise ProblemError("project-not-found", f"the project {project} has no policy; PUT one") from None


def put(call: Call, project: str) -> Response:
    """Make a document the project's policy; jobs that were submitted before keep theirs."""
    made = set_policy(call.body, project)
    return Response(201 if made["version"] == 1 else 200, {}, made)
