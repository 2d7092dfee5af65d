"""Optuna's seam around the Gaussian process: which trials it learns from, and when it hands over."""

from __future__ import annotations

import json
import math
import threading
import warnings
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from astraml_lab.search.auto import design, reasons
from astraml_lab.search.auto.encoding import Encoding
from astraml_lab.search.auto.history import NOTE, History, note_of, rounded, varied
from astraml_lab.search.auto.prior import NO_PRIOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from astraml_lab.search.auto.history import Seen
    from astraml_lab.search.auto.prior import Prior

    Array = NDArray[np.float64]

MOST_OBJECTIVES = 3
MOST_COLUMNS = 100
MOST_TRIALS = 1000
_IN_TURN, _IN_TURN_FROM = 3, 10
"""With so many objectives TPE draws every other point, once so many trials have ended."""
_FIXED = "fixed_params"
"""The trial's system attribute in which Optuna keeps what was enqueued."""
_BEST_OF = "initial design: the best of "


class AutoSampler(BaseSampler):
    """The centre and a few Sobol points, then a Gaussian process over numbers and choices.

    It takes on up to three objectives, up to 100 dimensions that every trial has, and up to 1,000 trials;
    beyond these, Optuna's `TPESampler` goes on. Several objectives are weighed by the volume that their front
    dominates; with three of them, every other point is TPE's. Constraints, where trials carry some, are
    weighed by how likely a point keeps to them. Failed trials say where not to go, as far as failing
    depends on the point; pruned ones count as what their curve still promised, and running ones as if they
    ended as expected.

    The same seed and the same history give the same point: all chance comes from the seed and the trial's
    number, and the state of the model is kept with the trials. Touched by several threads, it makes one
    proposal at a time.

    Args:
        seed: The seed of all chance; drawn if there is none.
        space: The distributions that every trial has, where they are known before the first; without them
            they are learned from the trials.
        left_out: Failed trials with such a user attribute say nothing: somebody stopped them.
        warm: Trials with such a user attribute are of elsewhere, of the source that its value names; a number
            at its end, as in `digits#1 trial 7`, is not of the name. They are no trials of this search but
            a prior, believed as far as its own trials agree. With several objectives, and where TPE goes on,
            they count like any other; where trials carry constraints, their best is tried and no more.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        space: Mapping[str, BaseDistribution] | None = None,
        left_out: str = "",
        warm: str = "",
    ) -> None:
        self._seed = _drawn() if seed is None else seed
        self._given = None if space is None else varied(space)
        self._left_out = left_out
        self._warm = warm
        self._history = History(self._given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self._tpe = TPESampler(seed=self._seed, group=True)
        # With several objectives Optuna models one dimension at a time
        self._pareto = TPESampler(seed=self._seed)
        self._one_at_a_time = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_one_at_a_time"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _one_at_a_time=threading.Lock())

    def reseed_rng(self) -> None:
        """Take another seed. Trials that run at the same time differ without it."""
        self._seed = _drawn()
        self._tpe.reseed_rng()
        self._pareto.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the distributions that are drawn together."""
        with self._one_at_a_time:
            other = self._other(study, trial)
            if other is None:
                return self._together(study, trial)
        return other.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a value of each distribution."""
        with self._one_at_a_time:
            other = self._other(study, trial)
            if other is None:
                return self._drawn_together(study, trial, varied(search_space))
        return self._reseeded(other, trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a value for what not every trial has, or what the first trial shows."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        if ended or param_distribution.single() or len(study.directions) > MOST_OBJECTIVES:
            optunas = self._reseeded(self._optunas(study), trial, param_name)
            return optunas.sample_independent(study, trial, param_name, param_distribution)
        encoding = Encoding({param_name: param_distribution})
        random = self._random(trial, param_name)
        row = design.centre(encoding, random)
        if trial.number:
            row = encoding.spread(random.random((1, 1)))[0]
        return encoding.point(row)[param_name]

    def _drawn_together(
        self, study: Study, trial: FrozenTrial, space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if not space or space.keys() <= trial.system_attrs.get(_FIXED, {}).keys():
            return {}
        point, note = self._propose(study, trial, Encoding(space))
        # Optuna's own samplers keep what they know of a trial like this; there is no public way
        study._storage.set_trial_system_attr(trial._trial_id, NOTE, json.dumps(note))  # noqa: SLF001
        return point

    def _other(self, study: Study, trial: FrozenTrial) -> TPESampler | None:
        """Return the sampler that takes on what is beyond this one, and its turn of what is hard for it."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        if len(self._own(study, ended)) > MOST_TRIALS or len(study.directions) > MOST_OBJECTIVES:
            return self._optunas(study)
        self._history.learn(study, ended)
        beyond = self._history.conditions is None or len(self._history.space) > MOST_COLUMNS
        return self._optunas(study) if beyond or self._is_tpes_turn(study, trial, len(ended)) else None

    def _is_tpes_turn(self, study: Study, trial: FrozenTrial, ended: int) -> bool:
        """Whether this point is TPE's.

        The volume that three objectives may gain is largest at the many ends of their front: by itself, the
        model goes from one to the next and learns little of what lies between.
        """
        return len(study.directions) >= _IN_TURN and ended >= _IN_TURN_FROM and trial.number % 2 == 0

    def _optunas(self, study: Study) -> TPESampler:
        return self._pareto if len(study.directions) > 1 else self._tpe

    def _together(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        if self._history.space:
            return dict(self._history.space)
        # Several trials begin before the first has ended
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return next(
            (varied(one.distributions) for one in running if one.number != trial.number and one.params), {}
        )

    def _propose(
        self, study: Study, trial: FrozenTrial, encoding: Encoding
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a point, and the note on it."""
        trials = study.get_trials(deepcopy=False)
        own = self._own(study, trials)
        others = [one for one in own if one.number != trial.number]
        random = self._random(trial)
        fixed = _fixed(trial, encoding)
        maximise = [direction is StudyDirection.MAXIMIZE for direction in study.directions]
        seen = self._history.seen(others, encoding, maximise=maximise, left_out=self._left_out)
        prior = NO_PRIOR
        if len(own) < len(trials):
            elsewhere = [one for one in trials if self._warm in one.user_attrs]
            prior = self._history.prior(elsewhere, encoding, maximise=maximise[0], attribute=self._warm)
            seen = replace(seen, prior=prior.agreeing(seen.rows, seen.outcomes))
        size = len(prior.first) + design.size(len(encoding.names), agrees=bool(seen.prior.sources))
        if len(seen.rows) + len(seen.running) >= size:
            # scipy, which the first need not wait for
            from astraml_lab.search.auto.proposing import propose
            from astraml_lab.search.auto.several import weigh

            last = self._history.last(others)
            if seen.is_weighed:
                one = weigh(encoding, seen, fixed, last, random)
                if one is not None:
                    return encoding.point(one.row), reasons.weighed(one, seen, maximise, study.metric_names)
            elif (pick := propose(encoding, seen, fixed, last, random)) is not None:
                return encoding.point(pick.row), reasons.picked(pick, seen, maximise=maximise[0])
        row, why = self._placed(trial, others, prior, seen, encoding)
        row = np.where(np.isnan(fixed), row, fixed)
        return encoding.point(row), {"why": why, "row": rounded(row)}

    def _placed(
        self,
        trial: FrozenTrial,
        others: Sequence[FrozenTrial],
        prior: Prior,
        seen: Seen,
        encoding: Encoding,
    ) -> tuple[Array, str]:
        """Return a row of the initial design, and why it is that."""
        tried = np.concatenate([seen.rows, seen.running])
        if (found := design.best_of(prior, tried)) is not None:
            name, best = found
            return best, f"{_BEST_OF}{name}"
        if self._is_first(trial, others):
            centre = design.centre(encoding, self._random(trial))
            if not design.among(tried, centre):  # the best of elsewhere may have been there
                return centre, "initial design: the centre of the space"
        number = max(0, sum(one.number < trial.number for one in others) - len(prior.first))
        row = design.sobol(encoding, self._seed, number, tried)
        return row, "initial design: a point of a sequence that covers the space evenly"

    def _is_first(self, trial: FrozenTrial, others: Sequence[FrozenTrial]) -> bool:
        """Whether no trial before this one had its point from here, but for the best of elsewhere."""
        return not any(
            (NOTE in one.system_attrs or one.params) and not _asked_for(one)
            for one in others
            if one.number < trial.number and not why(one).startswith(_BEST_OF)
        )

    def _own(self, study: Study, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        """Return the trials that are not of elsewhere; with several objectives all are as its own."""
        if not self._warm or len(study.directions) > 1:
            return trials
        return [one for one in trials if self._warm not in one.user_attrs]

    def _random(self, trial: FrozenTrial, name: str = "") -> np.random.Generator:
        own = [zlib.crc32(name.encode("utf-8", "surrogatepass"))] if name else []
        return np.random.default_rng([self._seed, trial.number, *own])

    def _reseeded(self, tpe: TPESampler, trial: FrozenTrial, name: str = "") -> TPESampler:
        """Return Optuna's sampler, whose draws would depend on how many it made before."""
        seed = int(self._random(trial, name).integers(2**32))
        tpe._rng.rng.seed(seed)  # noqa: SLF001 - there is no public way to any seed but a drawn one
        tpe._random_sampler._rng.rng.seed(seed)  # noqa: SLF001
        return tpe


def why(trial: FrozenTrial) -> str:
    """Say in one sentence why `AutoSampler` had a point tried; empty where another sampler drew it."""
    if _asked_for(trial):
        return "enqueued: somebody asked for this point"
    return str(note_of(trial).get("why", ""))


def _asked_for(trial: FrozenTrial) -> bool:
    return bool(trial.params) and trial.params.keys() <= trial.system_attrs.get(_FIXED, {}).keys()


def _fixed(trial: FrozenTrial, encoding: Encoding) -> Array:
    """Return what somebody asked for, NaN where nothing."""
    found = np.full(len(encoding.names), math.nan)
    asked = trial.system_attrs.get(_FIXED, {})
    for index, name in enumerate(encoding.names):
        if name in asked:
            found[index] = encoding.share(name, asked[name])
    return found


def _drawn() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])
