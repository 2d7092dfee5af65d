"""The search of one definition: Optuna's study behind our own terms."""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState as OptunaState

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.search.boundary import numbers_may_be_fine, optuna_boundary
from astraml_lab.search.curves import CURVES, thinned
from astraml_lab.search.distributions import coding_of
from astraml_lab.search.enqueueing import admitted
from astraml_lab.search.grid import GridWalk, grid_points
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.search.opening import derived, entropy_of, open_study
from astraml_lab.search.proposals import STOPPED, Proposal, Told
from astraml_lab.search.remembering import PARAMS, ending, remembered
from astraml_lab.search.samplers import GOES_BY_NUMBER, build_sampler, require_sampler, sampler_problems
from astraml_lab.search.warming import count_warm, warm_trials
from astraml_lab.spec import DEFINITION, Strategy, TrialState
from astraml_lab.spec.merging import definition_of_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from astraml_lab.search.proposals import Ended, Past, Warmed
    from astraml_lab.spec import AnyDimension, Definition, ParamValue

DIMENSIONS = "dimensions"
"""The trial's user attribute with the dimensions that its own code suggested."""


@dataclass
class _Live:
    """A trial between `ask` and `tell`."""

    trial: optuna.Trial
    proposal: Proposal
    suggested: dict[str, ParamValue] = field(default_factory=dict)
    dimensions: dict[str, Any] = field(default_factory=dict)


class Searcher:
    """Proposes points and learns from their ends.

    Touched by one thread: its job's runner.

    The study is created, or loaded where the storage holds it; a loaded one goes on where it was, without
    repeating a point that the same seed drew before. The same seed and the same order of calls give the same
    proposals.

    Optuna's storage holds transformed values under names like `__rlog__lr`; the user's values under the
    user's names stand in each trial's user attribute `params`, and nothing else leaves this class.

    Args:
        definition: The space and its objectives; without objectives it is a single run.
        strategy: How the next point is chosen.
        seed: Seed of the search and of each proposal; drawn and stored with the study if there is none.
        storage: Where Optuna keeps the study (default: in memory).
        study_name: The study's name there.
        turns: The definitions that take turns, where the definition is several merged.

    Raises:
        InvalidSpec: The strategy cannot search this definition.
        MissingExtra: The strategy needs a library of the extra `search`.
        Conflict: The stored study has other objectives.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        strategy: Strategy = Strategy.AUTO,
        seed: int | None = None,
        storage: BaseStorage | None = None,
        study_name: str = "default",
        turns: Sequence[str] = (),
    ) -> None:
        problems = sampler_problems(strategy, definition)
        if problems:
            raise InvalidSpec(problems)
        require_sampler(strategy)
        self._definition = definition
        self._strategy = strategy
        self._space = definition.space
        self._turns = tuple(turns)
        self._codings = {
            name: coding_of(name, dimension) for name, dimension in self._space.dimensions.items()
        }
        self._order = [
            (name, self._codings[name], bool(dimension.when))
            for name, dimension in self._space.parents_first()
        ]
        self._storage = storage if storage is not None else optuna.storages.InMemoryStorage()
        self._live: dict[int, _Live] = {}
        self._again: deque[Proposal] = deque()
        with optuna_boundary:
            self._study = open_study(definition, self._storage, study_name)
            self._entropy = entropy_of(self._study, seed)
            known = self._study.get_trials(deepcopy=False)
            self._offset = count_warm(known)
            self._build_sampler(known)
        trials = known[self._offset :]
        self._count = len(trials)
        self._queue = deque(self._ours(trial) for trial in trials if trial.state == OptunaState.WAITING)
        self._by_run = any(DIMENSIONS in trial.user_attrs for trial in trials)
        self._grid = self._walk(trials) if strategy is Strategy.GRID and len(self._space) else None

    @property
    def exhausted(self) -> bool:
        """Whether there will never be another point: a grid that is through, or a single run that is over."""
        if self._again or self._is_open():
            return False
        waits_for_suggestions = self._grid is None and bool(self._definition.objectives and self._live)
        return not waits_for_suggestions

    @property
    def ready(self) -> bool:
        """Whether `ask` would return a point now; costs next to nothing and changes nothing."""
        return bool(self._again) or self._is_open()

    @property
    def count(self) -> int:
        """How many trials have a number."""
        return self._count

    @property
    def enqueued(self) -> int:
        """How many points that somebody asked for have not been asked yet."""
        return len(self._queue) if self._waiting() else 0

    @property
    def untouched(self) -> bool:
        """Whether nothing was asked, enqueued or taken over from elsewhere yet, in whatever run."""
        return not self._count and not self._offset

    def warm(self, past: Sequence[Past]) -> Warmed:
        """Start from finished trials of elsewhere: those that fit the space teach the sampler.

        They are kept with the study, all or none of them. Nothing else changes: the job's own trials still
        count from 0, and a grid or a quasi-random sequence is as complete as without them.

        Raises:
            Conflict: The search has begun.
            StoreError: The storage cannot take them.
        """
        if not self.untouched:
            raise Conflict("The search has begun: it can start from other trials only before its first.")
        trials, warmed = warm_trials(past, self._definition, self._codings, self._strategy)
        whole = self._storage.at_once() if isinstance(self._storage, StudyStorage) else nullcontext()
        with optuna_boundary, whole:
            self._study.add_trials(trials)
            known = self._study.get_trials(deepcopy=False)
            self._offset = len(known)
            self._build_sampler(known)
        return warmed

    def ask(self) -> Proposal | None:
        """Return the next point, or `None` if there is none now.

        Without a space, one trial has to end before it is known whether its code suggests parameters itself:
        then neither `ready` nor `exhausted`, and it pays to ask again after the next `suggest` or `tell`.

        Raises:
            SearchFailed: The sampler cannot go on.
            StoreError: The storage cannot.
        """
        if self._again:
            return self._again.popleft()
        if not self._is_open():
            return None
        with optuna_boundary, numbers_may_be_fine():
            if not self._waiting():
                if self._grid is not None:
                    self._enqueue(self._grid.peek() or {})
                elif self._turns:
                    self._enqueue(self._in_turn({}))
            return self._propose(self._study.ask())

    def suggest(self, number: int, name: str, dimension: AnyDimension) -> ParamValue:
        """Return a running trial's value for a dimension, sampled now if the space does not hold it.

        Raises:
            NotFound: No such trial is running.
            InvalidSpec: The dimension's range is more than a sampler can resolve.
            SearchFailed: An earlier trial used the name for another kind of dimension.
        """
        live = self._running(number)
        for known in (live.proposal.params, live.suggested):
            if name in known:
                return known[name]
        coding = coding_of(name, dimension)
        with optuna_boundary, numbers_may_be_fine():
            live.suggested[name] = coding.from_internal(coding.sample(live.trial))
        live.dimensions[name] = dimension.model_dump(mode="json", exclude_none=True)
        self._by_run = True
        return live.suggested[name]

    def tell(self, number: int, told: Told) -> None:
        """Record how a trial ended, its curve first: samplers rank pruned trials by it.

        With several objectives there is no curve: TPE takes a pruned trial for worse than all complete ones.
        COMPLETE and PRUNED teach the sampler; STOPPED and FAILED, infeasible ones too, it leaves out.

        Raises:
            NotFound: No such trial is running.
            SearchFailed: The values do not fit the objectives.
            StoreError: The storage cannot; the trial is still running, tell it again later.
        """
        live = self._running(number)
        state, values = ending(told, self._definition)
        with optuna_boundary:
            if len(self._definition.objectives) == 1:
                self._mirror(number, told.curve)
            if live.dimensions:
                live.trial.set_user_attr(PARAMS, {**live.proposal.params, **live.suggested})
                live.trial.set_user_attr(DIMENSIONS, live.dimensions)
            for name, excess in told.constraints.items():
                if name not in live.trial.constraints:  # it is there where a trial is told again
                    live.trial.set_constraint(name, excess)
            if told.rows:
                live.trial.set_user_attr(CURVES, [list(row) for row in told.rows])
            if told.state is TrialState.STOPPED:
                live.trial.set_user_attr(STOPPED, True)  # noqa: FBT003  Optuna takes a name and a value
            self._study.tell(number + self._offset, values, state)
        del self._live[number]

    def enqueue(self, params: Mapping[str, Any]) -> int:
        """Have a point tried before any other; names that are left out are sampled.

        Returns:
            The number that its trial will have.

        Raises:
            InvalidSpec: With every mistake in it.
        """
        given = admitted(self._in_turn(params), self._space, self._codings)
        with optuna_boundary:
            return self._enqueue(self._encoded(given, given), {PARAMS: given})

    def repeat(self, number: int) -> int:
        """Have an earlier trial's point tried again, before any other, also what its own code suggested.

        Returns:
            The number that its trial will have; its seed is that number's.

        Raises:
            NotFound: There is no such trial.
        """
        if not 0 <= number < self._count:
            raise NotFound(f"there is no trial {number} to run again")
        with optuna_boundary:
            found = self._storage.get_trial(self._id_of(number))
            known = found.user_attrs.get(PARAMS, {})
            own = {name: known[name] for name in self._codings if name in known}
            return self._enqueue(found.params, {PARAMS: own})

    def once_more(self, number: int) -> Proposal:
        """Return an earlier trial's point as `repeat` does, but at once: no `ask` is needed."""
        new = self.repeat(number)
        self._queue.remove(new)
        with optuna_boundary:
            self._storage.set_trial_state_values(self._id_of(new), OptunaState.RUNNING)
            return self._propose(optuna.Trial(self._study, self._id_of(new)))

    def restore(self) -> tuple[Proposal, ...]:
        """Take over the trials that the storage holds as running: those of a kernel that died.

        Each has to be told or, to be run again under its number, handed to `requeue`.
        """
        with optuna_boundary:
            held = self._study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,))
            return tuple(
                self._propose(optuna.Trial(self._study, self._id_of(self._ours(trial))))
                for trial in held
                if self._ours(trial) not in self._live
            )

    def adopt(self, ended: Mapping[int, Ended]) -> int:
        """Learn of trials that ended and that the study does not know: a damaged store lost its end.

        The numbers before them that nobody knows are taken as failed: none is ever given twice.

        Args:
            ended: All trials that have ended, by number.

        Returns:
            How many the study did not know, or took for running.
        """
        learned = 0
        for number in sorted(self._live.keys() & ended.keys()):
            self.tell(number, ended[number].told)
            learned += 1
        with optuna_boundary:
            for number in range(self._count, max(ended, default=-1) + 1):
                self._study.add_trial(remembered(ended.get(number), self._definition, self._codings))
                self._count = number + 1
                learned += number in ended
            if self._grid is not None and learned:
                self._grid = self._walk(self._study.get_trials(deepcopy=False)[self._offset :])
        return learned

    def requeue(self, number: int) -> None:
        """Have `ask` return a running trial's point again, with its number and seed.

        Raises:
            NotFound: No such trial is running.
        """
        self._again.append(self._running(number).proposal)

    def _build_sampler(self, trials: Sequence[FrozenTrial]) -> None:
        """Build the sampler of a study with these trials."""
        own = len(trials) - self._offset
        # A sampler that starts over with the same seed would draw the first points again, unless it goes by
        # the trials' numbers or, like a quasi-random sequence, has the storage count how far it got.
        fresh = not own or self._strategy in GOES_BY_NUMBER
        seed = self._entropy if fresh else derived(self._entropy, f"sampler {own}")
        warm = trials[: self._offset]
        self._study.sampler = build_sampler(self._strategy, self._definition, seed, warm)

    def _ours(self, trial: optuna.Trial | FrozenTrial) -> int:
        """Return the number that a trial of the study has outside: those from elsewhere stand before it."""
        return trial.number - self._offset

    def _is_open(self) -> bool:
        """Whether there is a point now."""
        if len(self._space) and self._grid is None:
            return True
        if self._waiting():
            return True
        if self._grid is not None:
            return self._grid.peek() is not None
        return self._count == 0 or (self._by_run and bool(self._definition.objectives))

    def _enqueue(self, point: Mapping[str, Any], attrs: Mapping[str, Any] | None = None) -> int:
        """Have Optuna try a point, in its own terms, before any other; return its trial's number."""
        self._study.enqueue_trial(dict(point), user_attrs=dict(attrs or {}))
        self._queue.append(self._count)
        self._count += 1
        return self._queue[-1]

    def _in_turn(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the next trial's point with whose it is, where definitions take turns."""
        if not self._turns:
            return params
        return {DEFINITION: definition_of_point(self._turns, params, self._count), **params}

    def _waiting(self) -> bool:
        """Whether an enqueued point is left; only Optuna knows which ones it has taken."""
        with optuna_boundary:
            while self._queue:
                if self._storage.get_trial(self._id_of(self._queue[0])).state == OptunaState.WAITING:
                    return True
                self._queue.popleft()
        return False

    def _propose(self, trial: optuna.Trial) -> Proposal:
        """Complete a trial's point, parents first: what it already has stays."""
        stored: dict[str, ParamValue] = trial.user_attrs.get(PARAMS, {})
        params: dict[str, ParamValue] = dict.fromkeys(self._codings)
        active = []
        for name, coding, conditional in self._order:
            if conditional and not self._space.is_active(name, params):
                continue
            raw = coding.sample(trial)
            # The stored value if it is the same point: a reverse log may round on the way back
            same = name in stored and stored[name] is not None and coding.to_internal(stored[name]) == raw
            params[name] = stored[name] if same else coding.from_internal(raw)
            active.append(name)
        if params != stored:
            trial.set_user_attr(PARAMS, params)
        number = self._ours(trial)
        proposal = Proposal(number, params, derived(self._entropy, str(number)), frozenset(active))
        self._live[number] = _Live(trial, proposal)
        self._count = max(self._count, number + 1)
        if self._grid is not None:
            self._grid.tried(self._encoded(params, active))
        return proposal

    def _running(self, number: int) -> _Live:
        if number not in self._live:
            raise NotFound(f"Trial {number} is not running; these are: {sorted(self._live) or 'none'}.")
        return self._live[number]

    def _encoded(self, params: Mapping[str, ParamValue], names: Iterable[str]) -> dict[str, Any]:
        """Return a point as Optuna takes it."""
        codings = ((name, self._codings[name]) for name in names)
        return {coding.name: coding.to_internal(params[name]) for name, coding in codings}

    def _walk(self, trials: Iterable[FrozenTrial]) -> GridWalk:
        values = {name: coding.values() or () for name, coding in self._codings.items()}
        points = grid_points(self._space, values, self._turns)
        walk = GridWalk(self._encoded(point, active) for point, active in points)
        for trial in trials:
            # What somebody stopped was not tried: a job that goes on asks for it again
            if trial.state != OptunaState.WAITING and STOPPED not in trial.user_attrs:
                walk.tried(trial.params)
        return walk

    def _mirror(self, number: int, curve: Sequence[tuple[float, float]]) -> None:
        trial = self._id_of(number)
        for step, value in thinned(curve).items():
            self._storage.set_trial_intermediate_value(trial, step, value)

    def _id_of(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(self._study.study_name)
        return self._storage.get_trial_id_from_study_id_trial_number(study, number + self._offset)
