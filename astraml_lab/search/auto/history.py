"""What a study's trials have to say to a proposal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import TrialState

from astraml_lab.search.auto.conditions import Conditions, learned, still
from astraml_lab.search.auto.encoding import Encoding
from astraml_lab.search.auto.limits import excesses_of, limits
from astraml_lab.search.auto.outcomes import outcomes
from astraml_lab.search.auto.prior import NO_PRIOR, Prior, Sample, prior_of
from astraml_lab.search.auto.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from astraml_lab.search.auto.limits import Limits
    from astraml_lab.search.auto.outcomes import Outcome

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NOTE = "auto"
"""The trial's system attribute with what the sampler has to say of it, as JSON."""
_NUMBER = re.compile(r" trial \d+$")
_DIGITS = 16
"""They tell two points apart."""


@dataclass(frozen=True)
class Seen:
    """What a proposal is made from.

    Attributes:
        rows: Of the trials that ended, shape (n, d).
        outcomes: How they ended.
        running: Rows of the trials that have not, shape (k, d).
        conditions: Which columns play a part.
        further: How they ended by each objective but the first.
        limits: What they say of the constraints, if there are any.
        prior: What trials of elsewhere say, of those that agree.
    """

    rows: Array
    outcomes: Sequence[Outcome]
    running: Array
    conditions: Conditions
    further: tuple[Sequence[Outcome], ...] = ()
    limits: Limits | None = None
    prior: Prior = NO_PRIOR

    @property
    def objectives(self) -> tuple[Sequence[Outcome], ...]:
        """How they ended, by each objective."""
        return (self.outcomes, *self.further)

    @property
    def failed(self) -> Mask:
        """Which of them have no value of any objective."""
        values = np.array([[outcome.value for outcome in each] for each in self.objectives])
        return np.asarray(np.isinf(values).all(axis=0))

    def without_failed(self) -> Seen:
        """Return it as if no trial had failed."""
        ended = np.flatnonzero(~self.failed)
        if len(ended) == len(self.rows):
            return self
        first, *further = (tuple(each[at] for at in ended.tolist()) for each in self.objectives)
        limits = None if self.limits is None else self.limits.at(ended)
        return replace(self, rows=self.rows[ended], outcomes=first, further=tuple(further), limits=limits)

    @property
    def is_weighed(self) -> bool:
        """Whether there is more to a trial than one objective."""
        return bool(self.further) or (self.limits is not None and bool(len(self.limits.excesses)))


@dataclass(frozen=True)
class Fitted:
    """The model's parameters, and how many trials they were fitted to."""

    parameters: Array
    trials: int


@dataclass(frozen=True)
class Last:
    """What the next models begin with.

    Attributes:
        fits: Of the objectives, then of the constraints; `None` where there was nothing to fit.
        failing: Of where trials fail; `None` where none did.
    """

    fits: tuple[Fitted | None, ...] = ()
    failing: Fitted | None = None

    @property
    def first(self) -> Fitted | None:
        """Of the first objective."""
        return self.fits[0] if self.fits else None


class History:
    """The space of a study as its trials show it, each looked at once, and what they say of it.

    Args:
        given: The space, where it is known before the first trial.

    Attributes:
        space: The distributions of more than one value, that have not changed.
        conditions: Which of them play a part; `None` where that cannot be told.
    """

    def __init__(self, given: Mapping[str, BaseDistribution] | None = None) -> None:
        self._given = given
        self._forget("")

    def _forget(self, study: str) -> None:
        self.space: dict[str, BaseDistribution] = dict(self._given or {})
        self.conditions: Conditions | None = Conditions()
        self._study = study
        self._known: set[int] = set()
        self._changed: set[str] = set()
        self._shapes: set[frozenset[str]] = set()
        self._named: dict[int, frozenset[str]] = {}
        self._prior: tuple[object, Prior] | None = None
        self._unfinished: dict[int, Unfinished] = {}
        self._columns: tuple[str, ...] = ()
        self._ended: dict[int, tuple[Array, Mapping[str, float]]] = {}

    def learn(self, study: Study, ended: Sequence[FrozenTrial]) -> None:
        """Take in the trials that were completed or pruned since."""
        # Fewer than before: another study of the same name
        if study.study_name != self._study or len(ended) < len(self._known):
            self._forget(study.study_name)
        if len(ended) == len(self._known):
            return
        for trial in (trial for trial in ended if trial.number not in self._known):
            self._known.add(trial.number)
            for name, its in varied(trial.distributions).items():
                known = self.space.get(name)
                if known is None and self._given is None and name not in self._changed:
                    self.space[name] = its
                elif known is not None and known != its:
                    self._changed.add(name)
                    del self.space[name]
        names = frozenset(self.space)
        self._shapes = {self._names(trial) & names for trial in ended}
        self.conditions = Conditions()
        if len(self._shapes) > 1:
            encoding = Encoding(self.space)
            self.conditions = learned(encoding, *_filled(ended, encoding))

    def seen(
        self, trials: Sequence[FrozenTrial], encoding: Encoding, *, maximise: Sequence[bool], left_out: str
    ) -> Seen:
        """Return what is known to a proposal.

        Args:
            trials: All others of the study.
            encoding: The columns.
            maximise: Whether higher values are better, of each objective.
            left_out: Failed trials with such a user attribute say nothing.
        """
        names = frozenset(encoding.names)
        # Not those that did not get as far as to have all values that a complete one has
        whole = [trial for trial in trials if self._names(trial) & names in (self._shapes or {names})]
        ended = [
            trial
            for trial in whole
            if trial.state.is_finished() and not (left_out and left_out in trial.user_attrs)
        ]
        running = [trial for trial in whole if trial.state is TrialState.RUNNING]
        rows, excesses = self._of(ended, encoding)
        known = {trial.number for trial in running}
        begun = [
            row
            for trial in trials
            if trial.state is TrialState.RUNNING
            and trial.number not in known
            and len(row := note_of(trial).get("row", ())) == len(encoding.names)
        ]
        conditions = self.conditions or Conditions()
        noted = np.array(begun).reshape(-1, len(encoding.names))
        around = np.concatenate([_filled(running, encoding)[0], noted])
        each = [
            outcomes(ended, maximise=one, objective=index, unfinished=self._curves_of(index, maximise=one))
            for index, one in enumerate(maximise)
        ]
        return Seen(
            rows,
            each[0],
            conditions.quieted(around),
            conditions,
            tuple(each[1:]),
            limits(excesses),
        )

    def _of(
        self, ended: Sequence[FrozenTrial], encoding: Encoding
    ) -> tuple[Array, list[Mapping[str, float]]]:
        """Return the rows of trials that ended, shape (n, d), and by how much they miss each constraint.

        What has ended changes no more: each is read once.
        """
        if self._columns != encoding.names:
            self._columns, self._ended = encoding.names, {}
        new = [trial for trial in ended if trial.number not in self._ended]
        for trial, row in zip(new, _filled(new, encoding)[0], strict=True):
            self._ended[trial.number] = row, excesses_of(trial)
        its = [self._ended[trial.number] for trial in ended]
        rows = np.array([row for row, _ in its]).reshape(-1, len(encoding.names))
        return rows, [excesses for _, excesses in its]

    def prior(
        self, trials: Sequence[FrozenTrial], encoding: Encoding, *, maximise: bool, attribute: str
    ) -> Prior:
        """Return what trials of elsewhere say, worked out once.

        Args:
            trials: They, in the order of the study.
            encoding: The columns.
            maximise: Whether higher values are better.
            attribute: The user attribute that names their source, with the trial's number there or without.
        """
        if not trials:
            return NO_PRIOR
        key = encoding.names, len(trials), trials[-1].number
        if self._prior is None or self._prior[0] != key:
            names = frozenset(encoding.names)
            sources: dict[str, list[FrozenTrial]] = {}
            for trial in trials:
                if trial.state.is_finished() and self._names(trial) & names in (self._shapes or {names}):
                    name = _NUMBER.sub("", str(trial.user_attrs[attribute]))
                    sources.setdefault(name, []).append(trial)
            found = {
                name: Sample(
                    _filled(its, encoding)[0],
                    outcomes(its, maximise=maximise),
                    limits([excesses_of(one) for one in its]).may_keep,
                )
                for name, its in sources.items()
            }
            self._prior = key, prior_of(found, encoding.choices)
        return self._prior[1]

    def _curves_of(self, objective: int, *, maximise: bool) -> Unfinished:
        known = self._unfinished.get(objective)
        if known is None:
            known = self._unfinished[objective] = Unfinished(maximise=maximise, objective=objective)
        return known

    def last(self, trials: Sequence[FrozenTrial]) -> Last:
        """Return the models of the latest trial that has any."""
        for trial in reversed(trials):
            if NOTE in trial.system_attrs and (noted := (note := note_of(trial)).get("models")):
                models = [np.array(each, dtype=float) if each else None for each in noted]
                fits = tuple(each if each is None else Fitted(each, note["of"]) for each in models)
                failing = note.get("failing")
                its = failing and Fitted(np.array(failing["model"], dtype=float), failing["of"])
                return Last(fits, its)
        return Last()

    def _names(self, trial: FrozenTrial) -> frozenset[str]:
        """Return what a trial has values of."""
        found = self._named.get(trial.number)
        if found is None:
            found = frozenset(trial.params)
            if trial.state.is_finished():
                self._named[trial.number] = found
        return found


def varied(space: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    """Return the distributions of more than one value, sorted."""
    return {name: its for name, its in sorted(space.items()) if not its.single()}


def note_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return what the sampler noted of a trial."""
    found = trial.system_attrs.get(NOTE)
    return json.loads(found) if found else {}


def rounded(row: Array) -> list[float]:
    """Return a row as it is noted."""
    return [round(value, _DIGITS) for value in row.tolist()]


def _filled(trials: Sequence[FrozenTrial], encoding: Encoding) -> tuple[Array, Mask]:
    """Return the rows of trials, shape (n, d), and which values they have."""
    points = [trial.params for trial in trials]
    there = np.array([[name in point for name in encoding.names] for point in points], dtype=bool)
    there = there.reshape(-1, len(encoding.names))
    if there.all():
        return encoding.rows(points), there
    blank = encoding.point(still(encoding))
    rows = encoding.rows([{**blank, **point} for point in points])
    return np.where(there, rows, still(encoding)), there
