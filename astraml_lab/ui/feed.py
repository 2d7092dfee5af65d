"""What the views of a job do not know yet, as one frame. Touched by the publisher's thread only."""

from __future__ import annotations

from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError
from astraml_lab.spec import TrialState
from astraml_lab.ui.audience import Attention, Want
from astraml_lab.ui.frames import (
    PARAMS,
    Frame,
    importance_head,
    job_head,
    space_head,
    trial_row,
    vital_head,
)
from astraml_lab.ui.importances import Importances
from astraml_lab.ui.lines import LINES, Lines, Source, chosen
from astraml_lab.ui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.search import Importance
    from astraml_lab.spec import JobState, JobView, Space, TrialView
    from astraml_lab.ui.choice import Choice

ROWS = 400
"""Trials per frame: the table of a large job fills in over some frames."""
_VITAL_SECONDS = 2.0
_LOG_SECONDS = 1.0
_LOG_LINES = 200
_LOG_WIDTH = 2_000
_TRACEBACK = 20_000
_WHY = 600
_KEPT_LINES = 4
"""Charts that nobody draws any more, kept for when their tab is opened again."""


class Feed:
    """Turns a job's reader into frames that hold only what changed."""

    def __init__(
        self,
        reader: JobReader,
        clock: Clock,
        choice: Choice | None = None,
        why: Callable[[int], str] | None = None,
    ) -> None:
        self._reader = reader
        self._why = why
        self._whys: dict[int, str] = {}
        self._clock = clock
        self._choice = choice
        self._chosen: dict[str, Any] = {}
        self._trials: dict[int, TrialView] = {}
        self._over: set[int] = set()
        self._cursor = 0
        self._params: dict[str, None] = {}
        self._recent: deque[int] = deque(maxlen=2 * LINES)
        self._lines: dict[Want, Lines] = {}
        self._unsent: dict[int, None] = {}
        self._importances = Importances(clock)
        self._matters: dict[str, Importance] = {}
        self._job: dict[str, Any] = {}
        self._space: Space | None = None
        self._vital: dict[str, Any] = {}
        self._vital_at = 0.0
        self._details: dict[int, dict[str, Any]] = {}
        self._details_at: dict[int, float] = {}
        self._fresh = True
        self.state: JobState | None = None
        """The job's, as of the last frame."""
        self.more = False
        """Whether the next frame could be sent at once: trials or curves are waiting."""

    def start_over(self) -> None:
        """Let the next frame hold everything."""
        self._unsent = dict.fromkeys(sorted(self._trials, reverse=True))
        self._job, self._vital, self._details, self._matters, self._chosen = {}, {}, {}, {}, {}
        self._space = None
        self._details_at.clear()
        for lines in self._lines.values():
            lines.forget_sent()
        self._fresh = True

    def frame(self, attention: Attention) -> Frame | None:
        """Return what changed, or `None` where nothing did."""
        view = self._reader.view()
        self._read_trials()  # after it: what the job names is not newer than its trials
        self.state = view.state
        frame = Frame()
        self._add_job(frame, view)
        self._add_trials(frame, view)
        self._add_lines(frame, view, attention)
        self._add_importance(frame, view, attention)
        self._add_details(frame, attention)
        self._add_choice(frame)
        if not frame.head:
            return None
        frame.head["now"] = round(self._clock.time(), 3)
        if self._fresh:
            frame.head["fresh"] = True
            self._fresh = False
        return frame

    def _read_trials(self) -> None:
        self._cursor, changed = self._reader.trials(self._cursor)
        for trial in changed:
            was_over = trial.number in self._over
            before = self._trials.get(trial.number)
            self._trials[trial.number] = trial
            self._unsent[trial.number] = None
            self._params.update(dict.fromkeys(trial.params))
            if trial.state.ended and not was_over:
                self._over.add(trial.number)
                self._recent.appendleft(trial.number)
            elif (
                not trial.state.ended and before is not None and (was_over or before.attempt < trial.attempt)
            ):
                self._over.discard(trial.number)
                for lines in self._lines.values():
                    lines.drop(trial.number)

    def _add_job(self, frame: Frame, view: JobView) -> None:
        job = job_head(view)
        # A trial that asks for its parameters as it goes has more than the job knows of.
        job["params"] = list(dict.fromkeys((*view.param_names, *self._params)))[:PARAMS]
        if job != self._job:
            frame.head["job"] = self._job = job
        if view.space is not self._space and view.space != self._space:
            frame.head["space"] = space_head(view)
        self._space = view.space
        now = self._clock.monotonic()
        if not self._vital or "job" in frame.head or now - self._vital_at >= _VITAL_SECONDS:
            vital = vital_head(view)
            self._vital_at = now
            if vital != self._vital:
                frame.head["vital"] = self._vital = vital

    def _add_trials(self, frame: Frame, view: JobView) -> None:
        if not self._unsent:
            return
        first = [number for number in (*view.best, *view.running) if number in self._unsent]
        waiting = chain(first, islice(self._unsent, ROWS))
        numbers = list(dict.fromkeys(waiting))[:ROWS]
        for number in numbers:
            del self._unsent[number]
        names = [objective.metric for objective in view.objectives]
        frame.head["rows"] = [trial_row(self._trials[number], names) for number in numbers]

    def _add_lines(self, frame: Frame, view: JobView, attention: Attention) -> None:
        wants = _default_want(view) if attention.wants is None else attention.wants
        wants = tuple(want for want in wants if want.kind != "importance")
        drawn = [self._lines_of(want) for want in wants]
        unwanted = [want for want in self._lines if want not in wants]
        for gone in unwanted[:-_KEPT_LINES]:
            del self._lines[gone]
        numbers = chosen(view, self._recent, (*attention.details, *attention.selected))
        origin, now = view.started_at or view.created_at, self._clock.time()
        source = Source(self._reader, self._trials, self._over, origin, now, self._clock.monotonic)
        parts = []
        for lines in drawn:
            head, blocks = lines.changes(source, numbers)
            if head:
                parts.append(head)
                frame.blocks += blocks
        if parts:
            frame.head["charts"] = parts
        self.more = bool(self._unsent) or any(lines.folding for lines in drawn)

    def _add_importance(self, frame: Frame, view: JobView, attention: Attention) -> None:
        parts = []
        for want in attention.wants or ():
            if want.kind != "importance":
                continue
            found = self._importances.ask(want.metric, view, self._trials.values())
            if found is not None and found != self._matters.get(want.metric):
                self._matters[want.metric] = found
                parts.append(importance_head(want.metric, found))
        if parts:
            frame.head["importance"] = parts

    def _lines_of(self, want: Want) -> Lines:
        """Return the lines of a chart, which become the last ones asked for."""
        found = self._lines.pop(want, None)
        self._lines[want] = lines = Lines(want) if found is None else found
        return lines

    def _add_choice(self, frame: Frame) -> None:
        chosen = self._choice.head() if self._choice is not None else {}
        if chosen != self._chosen:
            frame.head["selected"] = self._chosen = chosen

    def _add_details(self, frame: Frame, attention: Attention) -> None:
        now = self._clock.monotonic()
        for gone in set(self._details) - set(attention.details):
            del self._details[gone]
        parts = []
        for number in attention.details:
            if number not in self._trials or now - self._details_at.get(number, -1e9) < _LOG_SECONDS:
                continue
            self._details_at[number] = now
            detail = self._detail(number)
            if detail != self._details.get(number):
                self._details[number] = detail
                parts.append(detail)
        if parts:
            frame.head["details"] = parts

    def _detail(self, number: int) -> dict[str, Any]:
        trial = self._trials[number]
        log = [line[:_LOG_WIDTH] for line in self._reader.log_tail(number, _LOG_LINES)]
        detail: dict[str, Any] = {"n": number, "log": log, "traceback": trial.traceback[-_TRACEBACK:]}
        why = self._reason(trial)
        return {**detail, "why": why} if why else detail

    def _reason(self, trial: TrialView) -> str:
        """Return why a trial was tried; it is asked for once, after it has begun."""
        if self._why is None or trial.state is TrialState.WAITING:
            return ""
        if trial.number not in self._whys:
            try:
                said = self._why(trial.number)
            except AstramlError:  # the store is out of reach: the view shows what it has
                return ""
            self._whys[trial.number] = one_line(said, _WHY)
        return self._whys[trial.number]


def _default_want(view: JobView) -> tuple[Want, ...]:
    """Choose for views that have not said what they draw: the first objective by step."""
    names = [objective.metric for objective in view.objectives if objective.metric in view.metric_names]
    names += view.metric_names
    return (Want(names[0], "step"),) if names else ()
