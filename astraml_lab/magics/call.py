"""A command line of `%tune`, taken apart, and what its commands need of lab and notebook."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from astraml_lab.errors import Conflict, InvalidSpec, NotFound, Problem
from astraml_lab.spec import JobState, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from astraml_lab.objectives import Code
    from astraml_lab.spec import JobSpec, JobView

_LIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.PAUSED})
_LONGEST_NUMBER = 9


class Lab(Protocol):
    """What the magics need of `astraml_lab.lab`."""

    def launch(self, spec: JobSpec, code: Code) -> Any:
        """Start a job."""

    def preflight(self, spec: JobSpec, code: Code) -> Any:
        """Try a job's first step; what it found prints well."""

    def submit(self, request: Any) -> Any:
        """Start a job from a request in any dialect."""

    def read(self, request: Any) -> Any:
        """Read a request as it would be submitted; what it became displays well."""

    def check(self, translation: Any) -> Any:
        """Try the first step of a request's job; what it found prints well."""

    def sql(self, query: str) -> Any:
        """Answer SQL over jobs."""

    def policy(self, project: str = "default") -> Any:
        """Return the policy of a project."""

    def import_trials(
        self,
        source: Any,
        *,
        name: str | None = None,
        project: str = "default",
        maximize: list[str] = ...,
        minimize: list[str] = ...,
        params: list[str] | None = None,
    ) -> Any:
        """Make a job of a table or a study."""

    def job(self, name: str | None = None, *, project: str = "default") -> Any:
        """Return a job, the newest without a name."""

    def jobs(self, project: str | None = None, state: JobState | None = None) -> list[JobView]:
        """Return the jobs, newest first."""

    def notices(self) -> tuple[str, ...]:
        """Return what became of the store when it was opened, in sentences."""

    def schedules(self, project: str | None = None) -> Any:
        """Return the schedules."""

    def find_schedule(self, name: str, project: str | None = None) -> Any:
        """Return a schedule by name."""

    def accompany_run(self, job: Any) -> Any:
        """Show a job that was just started, and wait for it where nobody else would."""

    def resume(
        self, name: str, *, project: str = "default", trials: int | None = None, confirm: int | None = None
    ) -> Any:
        """Have a job go on."""


class Notebook(Protocol):
    """What the magics need of IPython's shell."""

    @property
    def user_ns(self) -> Mapping[str, Any]:
        """The notebook's variables."""

    def set_next_input(self, s: str, *, replace: bool = False) -> object:
        """Put text into a new cell."""


@dataclass(frozen=True)
class Call:
    """A command line, taken apart: `%tune logs digits 7 --lines 50`."""

    lab: Lab
    notebook: Notebook
    words: tuple[str, ...]
    options: dict[str, str]

    @property
    def project(self) -> str | None:
        """The project named by `--project`."""
        return self.options.get("project")

    def job(self) -> Any:
        """Return the job that the first word names, or the newest."""
        name = self.words[0] if self.words else None
        return self.lab.job(name, project=self.project or "default")

    def fitting_job(self, states: Collection[JobState] = _LIVE, words: str = "running") -> Any:
        """Return the job that the first word names, or the only one in these states; else the newest.

        Raises:
            NotFound: There is no job at all.
            Conflict: Several are.
        """
        if self.words:
            return self.job()
        live = [view for view in self.lab.jobs(self.project) if view.state in states]
        if not live:
            return self.job()  # it has ended meanwhile: what it is told then says so
        if len(live) > 1:
            raise Conflict(f"Several jobs are {words}; name one: {', '.join(view.name for view in live)}.")
        return self.lab.job(live[0].name, project=live[0].project)

    def line(self, command: str, job: Any, rest: str = "") -> str:
        """Return what to type for a job: `%tune resume digits`."""
        rest = f" {rest}" if rest else ""
        project = "" if job.project == "default" else f" --project {shlex.quote(job.project)}"
        return f"`%tune {command} {shlex.quote(job.name)}{rest}{project}`"

    def trial(self, job: Any) -> int | None:
        """Return the trial of `job` that the second word names, if there is one.

        Raises:
            InvalidSpec: It is no number.
            NotFound: The job has no such trial.
        """
        if len(self.words) < 2:  # noqa: PLR2004 - JOB TRIAL
            return None
        number = whole("TRIAL", self.words[1], "must be a trial's number")
        if job.reader.trial(number) is None:
            last = max((view.number for view in job.reader.trials()[1]), default=None)
            there = "it has none yet" if last is None else f"its trials are 0 to {last}"
            raise NotFound(f"{job.name} has no trial {number}; {there}.")
        return number


def whole(path: str, text: str, allowed: str) -> int:
    """Read a whole number.

    Raises:
        InvalidSpec: It is none, or absurdly long.
    """
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InvalidSpec([Problem(path, shown(text), allowed)], subject="the line")
    return int(text)
