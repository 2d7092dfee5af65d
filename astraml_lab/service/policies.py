"""The policies of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.dialects.astraml import Mistake, ProblemError, read_policy
from astraml_lab.dialects.astraml.shape import PROJECT
from astraml_lab.dialects.text import read_text
from astraml_lab.lab import manager
from astraml_lab.service.answers import Response

if TYPE_CHECKING:
    from astraml_lab.service.answers import Call


def get(call: Call, project: str) -> Response:  # noqa: ARG001 - handlers are called alike
    """Answer with a project's policy."""
    found = manager().store.policies.get(_checked(project))
    if found is None:
        raise ProblemError("project-not-found", f"the project {project} has no policy; PUT one")
    return Response(200, {}, found)


def put(call: Call, project: str) -> Response:
    """Make a document the project's policy; jobs that were submitted before keep theirs."""
    name = _checked(project)
    document = {part: value for part, value in read_text(call.body).items() if part != "version"}
    read_policy(document)
    store = manager().store
    version = store.policies.put(name, document)
    return Response(201 if version == 1 else 200, {}, {**document, "version": version})


def _checked(project: str) -> str:
    if not PROJECT.fullmatch(project):
        raise ProblemError("malformed", errors=[Mistake("", "a project is 2 to 63 of a-z, 0-9 and `-`")])
    return project
