"""What the buttons of a dashboard do: what the page asks for by name, checked and answered in words."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError, Conflict
from astraml_lab.ui.audience import numbers_of

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
    given: Mapping[str, Any] = field(default_factory=dict)
    """What else was entered. It comes from a browser and is believed in nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page hears: each part may be empty."""

    error: str = ""
    said: str = ""
    """A sentence to show."""
    cell: str = ""
    """The source of a cell to put below the one that shows the view."""
    file: str = ""
    """The name of a file to download."""
    text: str = ""
    """What the file holds."""

    def message(self) -> dict[str, str]:
        """Return the parts that are not empty; the error is always there."""
        return {name: text for name, text in asdict(self).items() if text or name == "error"}


def request_of(message: Mapping[str, Any]) -> Request | None:
    """Read a message of a browser, which is believed in nothing; `None` where it does not fit."""
    name, token = message.get("do"), message.get("id")
    if not isinstance(name, str) or not isinstance(token, int | str):
        return None
    number = next(iter(numbers_of([message.get("n")])), None)
    given = message.get("given")
    return Request(name[:20], str(token)[:64], number, given if isinstance(given, dict) else {})


class Actions:
    """The buttons that a job has.

    Args:
        acts: By name, what each does; it returns the answer, or only the words of one.
    """

    def __init__(self, acts: Mapping[str, Callable[[Request], Answer | str | None]] | None = None) -> None:
        self._acts = dict(acts or {})

    @classmethod
    def of(cls, job: ShownJob) -> Actions:
        """Return what a job's handle can do."""
        acts: dict[str, Callable[[Request], Answer | str | None]] = {}
        for name in _OF_JOB:
            if hasattr(job, name):
                acts[name] = _asked_of_job(getattr(job, name))
        for name in _OF_TRIAL:
            if hasattr(job, name):
                acts[name] = _asked_of_trial(getattr(job, name))
        if "rerun" in acts:
            acts["rerun"] = lambda request: _rerun(job, _number(request))
        return cls(acts)

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self._acts)

    def run(self, request: Request) -> Answer:
        """Do what was asked for."""
        act = self._acts.get(request.name)
        if act is None:
            return Answer("This view cannot do that.")
        try:
            answer = act(request)
        except AstramlError as problem:
            return Answer(str(problem))
        except Exception as problem:  # noqa: BLE001  a button must not end the kernel's comm loop
            _log.exception("The button %r of a dashboard failed.", request.name)
            return Answer(f"It failed: {type(problem).__name__}.")
        return answer if isinstance(answer, Answer) else Answer(said=answer or "")


def _asked_of_job(method: Callable[[], object]) -> Callable[[Request], None]:
    def act(_request: Request) -> None:
        method()

    return act


def _asked_of_trial(method: Callable[[int], object]) -> Callable[[Request], None]:
    def act(request: Request) -> None:
        method(_number(request))

    return act


def _number(request: Request) -> int:
    if request.number is None:
        raise Conflict("No trial is selected.")
    return request.number


def _rerun(job: Any, number: int) -> str:
    made = job.rerun(number)
    new = "A new trial" if made is None else f"Trial {made}"
    return f"{new} tries the parameters of trial {number} next, with a seed of its own."
