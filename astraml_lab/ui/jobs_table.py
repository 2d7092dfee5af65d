"""The list of jobs as a small live table with buttons."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from astraml_lab.dialects.report import service_of
from astraml_lab.errors import AstramlError
from astraml_lab.spec import JobState, TrialState
from astraml_lab.ui.actions import Actions, asked_of_job, request_of
from astraml_lab.ui.answers import Answer, Request
from astraml_lab.ui.audience import Audience
from astraml_lab.ui.frames import elsewhere
from astraml_lab.ui.page_widget import STATIC, PageWidget
from astraml_lab.ui.places import within
from astraml_lab.ui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.jobs import JobList
    from astraml_lab.spec import JobView
    from astraml_lab.ui.publisher import Publisher

PERIOD = 1.0
SHARE = 0.05
"""Of the kernel's time, at most so much goes into looking: with thousands of jobs it looks less often."""
ROWS = 200
_NAME, _REASON = 200, 300
_ACTS = ("pause", "resume", "stop", "delete")
_WIDGET = "application/vnd.jupyter.widget-view+json"


class JobsTable:
    """A table of jobs and, below it, the jobs that were opened from it.

    Args:
        jobs: What is listed.
        publisher: Whose thread looks and sends, while somebody looks.
        clock: Time.
    """

    def __init__(self, jobs: JobList, publisher: Publisher, clock: Clock) -> None:
        self._jobs, self._publisher, self._clock = jobs, publisher, clock
        self._audience = Audience(clock)
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._sent: dict[str, Any] | None = None
        self.table = TableWidget(self._hear)
        self.root = widgets.VBox([self.table])
        self.table.named = self.root.model_id or ""

    def bundle(self, text: str) -> dict[str, Any]:
        """Return what a cell displays: the table, and text for whoever cannot draw it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
        return {_WIDGET: view, "text/plain": text}

    def publish(self) -> float | None:
        """Send what is due; return the seconds until the next call, or `None` while nobody looks."""
        while not self._answers.empty():
            self.table.send(self._answers.get())
        if not self._audience.looking():
            return None
        began = self._clock.monotonic()
        views = self._jobs.ask()
        rows = {"rows": [row_of(view) for view in views[:ROWS]], "more": max(0, len(views) - ROWS)}
        now = self._clock.monotonic()
        if rows != self._sent:
            self._sent = rows
            self.table.send({"t": "jobs", "now": self._clock.time(), **rows})
        return max(PERIOD, (now - began) / SHARE)

    def close(self) -> None:
        """Take the table off its pages for good."""
        self._publisher.discard(self)
        self.table.close()
        self.root.close()

    def _hear(self, message: dict[str, Any]) -> None:
        changed = self._audience.hear(message)
        kind = message.get("t")
        if kind == "hello":
            self._sent = None
        elif kind == "do":
            self._act(message)
        if changed or kind in {"hello", "do"}:
            self._publisher.wake(self)

    def _act(self, message: dict[str, Any]) -> None:
        request, key = request_of(message), message.get("job")
        if request is None or not isinstance(key, str):
            return
        answer = self._answer(request, key)
        self._sent = None
        self._answers.put({"t": "done", "id": request.token, **answer.message()})

    def _answer(self, request: Request, key: str) -> Answer:
        try:
            view = next((each for each in self._jobs.ask() if key_of(each) == key), None)
            if view is None:
                return Answer("This job is gone.")
            if request.name not in buttons_of(view):
                return Answer(f"{one_line(view.name, 80)} is {view.state.value}: nothing to {request.name}.")
            job = self._jobs.find(view)
        except AstramlError as problem:
            return Answer(str(problem))
        acts = {**asked_of_job(job, *_ACTS), "show": lambda _request: self._show(job)}
        return Actions(acts).run(request)

    def _show(self, job: Any) -> None:
        """Show a job below the table, in the place of the one before: live, to look around in it."""
        place = widgets.Output()
        with within(place):
            job.show(live=True)
        before = self.root.children[1:]
        self.root.children = (self.table, place)
        for each in before:
            each.close()


class TableWidget(PageWidget):
    """The table on the page."""

    _esm = STATIC / "jobs.js"
    _css = STATIC / "jobs.css"
    named = traitlets.Unicode().tag(sync=True)
    """The list's name in a notebook: a page that loads a saved notebook looks for it."""

    def __init__(self, hear: Callable[[dict[str, Any]], object]) -> None:
        self._heard = hear
        super().__init__()

    def _hear(self, message: dict[str, Any]) -> None:
        self._heard(message)


def key_of(view: JobView) -> str:
    """Return what tells a job from the others: its project may hold any character, so may its name."""
    return f"{len(view.project)} {view.project}/{view.name}"


def buttons_of(view: JobView) -> list[str]:
    """Return what can be done with a job in its state."""
    if view.state.ended:
        return ["show", "delete"]
    if view.state is JobState.STOPPING:
        return ["show"]
    held = view.state in {JobState.PAUSED, JobState.STALE}
    return ["show", "resume" if held else "pause", "stop"]


def row_of(view: JobView) -> dict[str, Any]:
    """Return a job as a row: names are cut where they would flood the place, and are text on the page."""
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED, TrialState.RUNNING)
    devices = ", ".join(each.label for each in view.devices if each.trials) or (
        view.devices[0].label if view.running and view.devices else ""
    )
    kernel = elsewhere(view)
    where = ", ".join(part for part in (devices, f"kernel {kernel}" if kernel else "") if part)
    return {
        "key": key_of(view),
        "name": one_line(view.name, _NAME),
        "project": one_line(view.project, _NAME),
        "service": service_of(view.origin),
        "state": view.state.value,
        "reason": one_line(view.reason, _REASON),
        "finished": view.finished,
        "trials": view.trials,
        "shares": [view.counts.get(state, 0) for state in states],
        "best": view.best_value,
        "number": view.best[0] if len(view.best) == 1 and len(view.objectives) < 2 else None,  # noqa: PLR2004
        "front": len(view.best) if len(view.objectives) > 1 else 0,
        "metric": one_line(view.objectives[0].metric, _NAME) if view.objectives else "",
        "created": view.created_at,
        "started": view.started_at,
        "ended": view.ended_at if view.state.ended else None,
        "stands": view.held_at,
        "held": view.held,
        "where": where,
        "can": buttons_of(view),
    }
