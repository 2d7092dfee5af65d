"""What a request became: a job of ours, and an account of every field; and a job as a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.report import html_of, report_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from astraml_lab.dialects.report import Report
    from astraml_lab.dialects.report_job import StandIn
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


@dataclass(frozen=True, repr=False)
class RequestReport:
    """A job that was made of a request; shown, it says what became of every field.

    Attributes:
        spec: The job; `spec.origin` holds the request and the fidelity report.
        stands: Tells, when the report is shown, what runs here for what the request names.
    """

    spec: JobSpec
    stands: Callable[[JobSpec], Mapping[str, StandIn]] | None = field(
        default=None, compare=False, kw_only=True
    )

    @property
    def dialect(self) -> Dialect:
        """The format that the request was in."""
        return self._origin.dialect

    @property
    def fidelity(self) -> Fidelity:
        """What became of each field."""
        return self._origin.fidelity

    @property
    def original(self) -> dict[str, Any]:
        """The request, verbatim."""
        return self._origin.request

    def __str__(self) -> str:
        """Say what runs here and what became of each field, for a terminal."""
        return text_of(self._report)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self._report)

    @property
    def _report(self) -> Report:
        return report_of(self.spec, self.stands(self.spec) if self.stands else {})

    @property
    def _origin(self) -> Origin:
        if self.spec.origin is None:
            raise TypeError("the job was made of no request")
        return self.spec.origin


@dataclass(frozen=True, repr=False)
class Translation(RequestReport):
    """A request, read.

    Attributes:
        outcome: The request in its dialect's own terms, as `as_dict` gives it.
    """

    outcome: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return what the request means, in its dialect's terms; for a test or another program to read."""
        return {"outcome": "valid", **self.outcome}


def not_said(name: str, value: object) -> str:
    """Say that a request has nothing for an option of a job: a sentence of `Export.left_out`."""
    given = ", ".join(str(each) for each in value) if isinstance(value, tuple) else value
    return f"{name} {given}: the request has no such option."


class Export(dict[str, Any]):
    """A job, written as a request of a service: a mapping, to send or to store as it is.

    Args:
        request: What to send.
        left_out: What the job says and the request cannot, or says otherwise: one sentence each.
    """

    def __init__(self, request: Mapping[str, Any], left_out: Iterable[str] = ()) -> None:
        super().__init__(request)
        self.left_out = tuple(left_out)

    @property
    def request(self) -> dict[str, Any]:
        """What to send."""
        return self

    def __eq__(self, other: object) -> bool:
        """Whether the requests are equal, and of two exports also what they leave out."""
        same = dict.__eq__(self, other) is True
        return same and (not isinstance(other, Export) or self.left_out == other.left_out)

    __hash__ = None

    def __repr__(self) -> str:
        text = json.dumps(self, indent=2, ensure_ascii=False)
        if not self.left_out:
            return text
        return "\n".join([text, "", "The request cannot say:", *(f"  - {each}" for each in self.left_out)])
