"""What the buttons of a dashboard do: what the page asks for by name, checked and answered in words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError, Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.ui.presenter import ShownJob

_log = logging.getLogger(__name__)
_OF_JOB = ("stop", "pause", "resume")
_OF_TRIAL = ("stop_trial", "rerun")


@dataclass(frozen=True, slots=True)
class Request:
    """A button that was pressed."""

    name: str
    token: str
    """The page's own name for this press: the answer carries it."""
    number: int | None = None
    """The trial, for what is asked of one."""


def request_of(message: Mapping[str, Any]) -> Request | None:
    """Read a message of a browser, which is believed in nothing; `None` where it does not fit."""
    name, token, number = message.get("do"), message.get("id"), message.get("n")
    if not isinstance(name, str) or not isinstance(token, int | str):
        return None
    trial = number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None
    return Request(name[:20], str(token)[:64], trial)


class Actions:
    """The buttons that a job has.

    Args:
        of_job: By name, what is asked of the job as a whole.
        of_trial: By name, what is asked of one trial; where it returns a text, the page shows it.
    """

    def __init__(
        self,
        of_job: Mapping[str, Callable[[], object]] | None = None,
        of_trial: Mapping[str, Callable[[int], object]] | None = None,
    ) -> None:
        self._of_job = dict(of_job or {})
        self._of_trial = dict(of_trial or {})

    @classmethod
    def of(cls, job: ShownJob) -> Actions:
        """Return what a job's handle can do."""
        of_trial = {name: getattr(job, name) for name in _OF_TRIAL if hasattr(job, name)}
        if "rerun" in of_trial:
            of_trial["rerun"] = lambda number: _rerun(job, number)
        return cls({name: getattr(job, name) for name in _OF_JOB if hasattr(job, name)}, of_trial)

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted({*self._of_job, *self._of_trial})

    def run(self, request: Request) -> tuple[str, str]:
        """Do what was asked for; return the error and the answer in words, either mostly empty."""
        try:
            answer = self._call(request)
        except AstramlError as problem:
            return str(problem), ""
        except Exception as problem:  # noqa: BLE001  a button must not end the kernel's comm loop
            _log.exception("The button %r of a dashboard failed.", request.name)
            return f"It failed: {type(problem).__name__}.", ""
        return "", answer if isinstance(answer, str) else ""

    def _call(self, request: Request) -> object:
        if request.name in self._of_job:
            return self._of_job[request.name]()
        if request.name in self._of_trial and request.number is not None:
            return self._of_trial[request.name](request.number)
        raise Conflict("This view cannot do that.")


def _rerun(job: Any, number: int) -> str:
    made = job.rerun(number)
    new = "A new trial" if made is None else f"Trial {made}"
    return f"{new} tries the parameters of trial {number} next, with a seed of its own."
