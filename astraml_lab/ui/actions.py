"""What the buttons of a dashboard do: what the page asks for by name, checked and answered in words."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError, Conflict
from astraml_lab.jobs import risk
from astraml_lab.jobs.naming import file_name
from astraml_lab.ui.answers import Answer, Request
from astraml_lab.ui.audience import numbers_of
from astraml_lab.ui.executed import executed, runs_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.ui.presenter import ShownJob

_log = logging.getLogger(__name__)
_OF_JOB = ("stop", "pause", "resume")
_OF_TRIAL = ("stop_trial",)
_MOST = 100_000
"""More trials than anybody adds with one press."""
_Act = Callable[["Request"], "Answer | str | None"]


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

    def __init__(self, acts: Mapping[str, _Act] | None = None) -> None:
        self._acts = dict(acts or {})

    @classmethod
    def of(cls, job: ShownJob) -> Actions:
        """Return what a job's handle can do."""
        acts = asked_of_job(job, *_OF_JOB)
        for name in _OF_TRIAL:
            if hasattr(job, name):
                acts[name] = _asked_of_trial(getattr(job, name))
        for name, (method, act) in _OTHERS.items():
            if hasattr(job, method):
                acts[name] = functools.partial(act, job)
        if runs_notebook(job):
            acts["notebook"] = functools.partial(executed, job)
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


def asked_of_job(job: object, *names: str) -> dict[str, _Act]:
    """Return what those methods do that a job has and that need nothing but the press."""

    def act(method: Callable[[], object], _request: Request) -> None:
        method()

    return {name: functools.partial(act, getattr(job, name)) for name in names if hasattr(job, name)}


def _asked_of_trial(method: Callable[[int], object]) -> Callable[[Request], None]:
    def act(request: Request) -> None:
        method(_number(request))

    return act


def _number(request: Request) -> int:
    if request.number is None:
        raise Conflict("No trial is selected.")
    return request.number


def _rerun(job: Any, request: Request) -> str:
    number = _number(request)
    made = job.rerun(number)
    new = "A new trial" if made is None else f"Trial {made}"
    return f"{new} tries the parameters of trial {number} next, with a seed of its own."


def _extend(job: Any, request: Request) -> str:
    more = request.given.get("more")
    if not isinstance(more, int) or isinstance(more, bool) or not 0 < more <= _MOST:
        raise Conflict(f"How many more trials? A whole number from 1 to {_MOST}.")
    view = job.reader.view()
    alive = job.alive
    budget = (view.trials if alive else view.finished) + more
    (job.extend if alive else job.resume)(budget)
    return f"{view.name} runs up to {budget} trials now{'' if alive else ', in this kernel'}."


def _enqueue(job: Any, request: Request) -> str:
    number = job.enqueue(_point(job, request.given))
    return f"{'A new trial' if number is None else f'Trial {number}'} tries these values next."


def _point(job: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that were entered; a choice comes as its place, so that `1` and `"1"` differ."""
    numbers, places = given.get("numbers"), given.get("places")
    point = dict(numbers) if isinstance(numbers, dict) else {}
    dimensions = job.reader.view().space.dimensions
    for name, place in (places if isinstance(places, dict) else {}).items():
        dimension = dimensions.get(name)
        choices: Sequence[Any] = getattr(dimension, "choices", getattr(dimension, "values", ()))
        if not isinstance(place, int) or not 0 <= place < len(choices):
            raise Conflict(f"{name} has no such choice.")
        point[name] = choices[place]
    return point


def _narrow(job: Any, request: Request) -> Answer:
    numbers = numbers_of(request.given.get("numbers"))
    if not numbers:
        raise Conflict("No trial is selected.")
    which = f"trial {numbers[0]}" if len(numbers) == 1 else f"the {len(numbers)} selected trials"
    return Answer(said=f"The new cell below searches around {which}.", cell=job.narrowed(*numbers))


def _best_cell(job: Any, _request: Request) -> Answer:
    return Answer(said="The new cell below holds the best values.", cell=job.best_as_cell())


def _trial_cell(job: Any, request: Request) -> Answer:
    number = _number(request)
    view = job.reader.trial(number)
    feared = risk(view) if view is not None else ""
    said = f"The new cell below runs the configuration of trial {number} in the foreground. {feared}".rstrip()
    return Answer(said=said, cell=job.trial_as_cell(number))


def _csv(job: Any, _request: Request) -> Answer:
    name = f"{file_name(job.reader.view().name)}.csv"
    return Answer(said=f"{name} is downloaded: one line per trial.", file=name, text=job.export("csv"))


_OTHERS: dict[str, tuple[str, Callable[[Any, Request], Answer | str | None]]] = {
    "rerun": ("rerun", _rerun),
    "extend": ("extend", _extend),
    "enqueue": ("enqueue", _enqueue),
    "narrow": ("narrowed", _narrow),
    "best_cell": ("best_as_cell", _best_cell),
    "trial_cell": ("trial_as_cell", _trial_cell),
    "csv": ("export", _csv),
}
"""By the page's name: the method that a job needs for it, and what is done."""
