"""The policies of projects: what AstraML requests get by default, and the most that they may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml import Mistake, ProblemError, read_policy
from astraml_lab.dialects.astraml.shape import PROJECT
from astraml_lab.dialects.plain import plain
from astraml_lab.errors import NotFound
from astraml_lab.lab.default import manager
from astraml_lab.spec import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike


def policy(project: str = "default") -> dict[str, Any]:
    """Return the policy of a project, with its version.

    Raises:
        NotFound: It has none.
        ProblemError: No project can have that name.
    """
    found = manager().store.policies.get(checked(project))
    if found is None:
        raise NotFound(
            f"the project {project} has no policy, so the service's own defaults hold; "
            f"`astraml policy set FILE --project {project}` gives it one"
        )
    return found


def set_policy(
    document: Mapping[str, Any] | str | bytes | PathLike[str], project: str = "default"
) -> dict[str, Any]:
    """Make a document the policy of a project; it binds what is submitted from then on.

    Args:
        document: `{"defaults": {"epochs": 3}, "ceilings": {"gpus": 2}, "allowed": {"strategy": ["random"]}}`
            as a mapping, JSON or YAML text, or a file's path. With a `version`, as `policy` returns it, it
            takes the place of that version alone.
        project: Whose policy it is.

    Returns:
        The policy, with its new version.

    Raises:
        ProblemError: With every mistake in it.
        Conflict: Somebody has changed the policy since that version.
    """
    name = checked(project)
    given = plain(document, Dialect.ASTRAML)
    read_policy(given)
    content = {part: value for part, value in given.items() if part != "version"}
    version = manager().store.policies.put(name, content, after=given.get("version"))
    return {**content, "version": version}


def checked(project: str) -> str:
    """Return a project's name.

    Raises:
        ProblemError: No project of AstraML has such a name.
    """
    if not PROJECT.fullmatch(project):
        raise ProblemError("malformed", errors=[Mistake("", "a project is 2 to 63 of a-z, 0-9 and `-`")])
    return project
