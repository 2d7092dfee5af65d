"""The policies of projects: every version is kept, the newest binds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from astraml_lab.errors import Conflict
from astraml_lab.store.files import name_key
from astraml_lab.store.records import dump
from astraml_lab.store.tables import policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.store.database import Database


class Policies:
    """The policies of a store; every call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, project: str, document: Mapping[str, Any], *, after: int | None = None) -> int:
        """Make a document the policy of a project; return its version, counted from 1.

        Args:
            project: Whose policy it is.
            document: The policy.
            after: The version that it takes the place of; by default whichever is the newest.

        Raises:
            Conflict: Another version is the newest.
        """
        with self._database.begin("change a policy") as connection:
            of_project = policies.c.project_key == name_key(project)
            newest = select(policies.c.version).where(of_project).order_by(policies.c.version.desc())
            before = connection.scalar(newest.limit(1)) or 0
            if after not in {None, before}:
                found = f"is of version {before} now" if before else "is not there yet"
                raise Conflict(
                    f"the policy of {project} {found}, and the change was made to version {after}: get it "
                    "again, or leave `version` out"
                )
            version = before + 1
            row = {
                "project_key": name_key(project),
                "version": version,
                "document": dump(document),
                "created_at": self._database.clock.time(),
            }
            connection.execute(insert(policies).values(row))
            return version

    def get(self, project: str) -> dict[str, Any] | None:
        """Return the policy of a project with its `version`, or None if it has none."""
        with self._database.connect("read a policy") as connection:
            of_project = policies.c.project_key == name_key(project)
            newest = select(policies).where(of_project).order_by(policies.c.version.desc()).limit(1)
            found = connection.execute(newest).first()
        return None if found is None else {**json.loads(found.document), "version": found.version}
