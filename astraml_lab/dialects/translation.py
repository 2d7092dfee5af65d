"""What a request became: a job of ours, and an account of every field; and a job as a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import Dialect, Fidelity, JobSpec, Origin


@dataclass(frozen=True)
class Surroundings:
    """What a request is checked against; a store and a project give it, or the caller where there is neither.

    Attributes:
        existing_jobs: The jobs whose names are taken and that a warm start may name, as mappings with `name`,
            `status`, `objective` (`metric`, `direction`), `names`, `types` and `training_jobs`.
        policy: The project's policy document.
        api_version: The version that a header asks for.
        secrets: The names of the project's secrets; `None`: not known, so no reference is refused.
        parent: Vertex's `projects/…/locations/…`.
    """

    existing_jobs: tuple[Mapping[str, Any], ...] = ()
    policy: Mapping[str, Any] | None = None
    api_version: str | None = None
    secrets: frozenset[str] | None = None
    parent: str = "projects/lab/locations/local"


@dataclass(frozen=True)
class Translation:
    """A request, read.

    Attributes:
        spec: The job; `spec.origin` holds the request and the fidelity report.
        outcome: The request in its dialect's own terms, as `as_dict` gives it.
    """

    spec: JobSpec
    outcome: Mapping[str, Any] = field(repr=False)

    @property
    def dialect(self) -> Dialect:
        """The format that the request was in."""
        return self._origin.dialect

    @property
    def fidelity(self) -> Fidelity:
        """What became of each field."""
        return self._origin.fidelity

    @property
    def _origin(self) -> Origin:
        if self.spec.origin is None:
            raise TypeError("a translation is made of a request")
        return self.spec.origin

    def as_dict(self) -> dict[str, Any]:
        """Return what the request means, in its dialect's terms; for a test or another program to read."""
        return {"outcome": "valid", **self.outcome}


@dataclass(frozen=True)
class Export:
    """A job, written as a request of a service.

    Attributes:
        request: What to send.
        left_out: What the job says and the request cannot, or says otherwise: one sentence each.
    """

    request: dict[str, Any]
    left_out: tuple[str, ...] = ()
