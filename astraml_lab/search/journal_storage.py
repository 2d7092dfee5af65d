"""Optuna's state in our store: kept in memory, logged as events, committed when a trial ends.

Reads cost what Optuna's in-memory storage costs. Every change is also an event in the journal of the job's
generation; events wait in memory until the next trial ends, so what a killed kernel loses is what it knew
about trials that had not ended. Opening the storage replays the journal.
"""

# ruff: noqa: D102  Optuna documents the methods that it calls

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from astraml_lab.search.boundary import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optuna.distributions import BaseDistribution

    from astraml_lab.store import Journal


class StudyStorage(InMemoryStorage):
    """Optuna's storage over a journal; as safe to share between threads as Optuna's own.

    When `set_trial_state_values` returns for a trial that ended, or `create_new_trial` for one that was added
    ended, the trial is on disk. If that fails the trial has not ended in memory either: tell it again.
    A pickled copy has what was there when it was pickled and cannot end trials.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._companions: list[Callable[[Any], None]] = []
        self._gathers = False
        # the last distribution logged by study and parameter: most trials repeat it
        self._logged: dict[tuple[int, str], BaseDistribution] = {}
        with quiet():
            for kind, *event in journal.read(0):
                _REPLAY[kind](self, *event)

    @contextmanager
    def together(self, *companions: Callable[[Any], None]) -> Iterator[None]:
        """Let `companions` write in the transaction in which the block's changes are committed.

        That is the one of the trial that ends in the block, or one at the block's end if none does. A
        companion gets the store's connection and must not touch this storage.

        Raises:
            LeaseLost: Another kernel owns the generation now.
            StoreUnavailable: The disk is full or the file locked; nothing was stored.
        """
        self._companions += companions
        try:
            yield
            if self._companions:
                self._journal.commit(*self._companions)
        finally:
            self._companions.clear()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Commit the ended trials that the block adds together at its end, instead of each on its own.

        If that fails none is on disk, and the next commit takes them along.

        Raises:
            LeaseLost: Another kernel owns the generation now.
            StoreUnavailable: The disk is full or the file locked; nothing was stored.
        """
        self._gathers = True
        try:
            yield
        finally:
            self._gathers = False
        self._journal.commit()

    # Each change is made in memory first, where Optuna refuses what is wrong, and logged then; but the end of
    # a trial is committed first, because nothing that is not on disk may look ended.

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        with self._lock:
            name = f"no-name-{uuid4()}" if study_name is None else study_name
            study_id = super().create_new_study(directions, name)
            self._log("study", name, list(directions))
            return study_id

    def delete_study(self, study_id: int) -> None:
        with self._lock:
            super().delete_study(study_id)
            self._log("delete", study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_study_user_attr(study_id, key, value)
            self._log("study_user", study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_study_system_attr(study_id, key, value)
            self._log("study_system", study_id, key, value)

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        with self._lock:
            if template_trial is not None and template_trial.state.is_finished():
                self._check_study_id(study_id)
                self._commit("trial", study_id, _pack(template_trial))
                return super().create_new_trial(study_id, template_trial)
            trial_id = super().create_new_trial(study_id, template_trial)
            self._log("trial", study_id, _pack(self._get_trial(trial_id)))
            return trial_id

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        with self._lock:
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
            key = (self._trial_id_to_study_id_and_number[trial_id][0], param_name)
            known = self._logged.get(key) == distribution
            self._logged[key] = distribution
            described = None if known else distribution_to_json(distribution)
            self._log("param", trial_id, param_name, param_value_internal, described)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        with self._lock:
            if not state.is_finished():
                changed = super().set_trial_state_values(trial_id, state, values)
                if changed:
                    started = self._get_trial(trial_id).datetime_start
                    self._log("state", trial_id, state, values, _stamp(started))
                return changed
            self.check_trial_is_updatable(trial_id, self._get_trial(trial_id).state)
            now = datetime.now()  # noqa: DTZ005  Optuna's times are local and naive
            self._commit("state", trial_id, state, values, _stamp(now))
            super().set_trial_state_values(trial_id, state, values)
            self._get_trial(trial_id).datetime_complete = now
            return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        with self._lock:
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)
            self._log("intermediate", trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_trial_user_attr(trial_id, key, value)
            self._log("user", trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_trial_system_attr(trial_id, key, value)
            self._log("system", trial_id, key, value)

    def _log(self, *event: Any) -> None:
        self._journal.append([event])

    def _commit(self, *event: Any) -> None:
        if self._gathers:
            self._log(*event)
            return
        self._journal.commit(*self._companions, entries=[event])
        self._companions.clear()

    def _replay_study(self, name: str, directions: list[int]) -> None:
        super().create_new_study([StudyDirection(direction) for direction in directions], name)

    def _replay_trial(self, study_id: int, packed: dict[str, Any]) -> None:
        super().create_new_trial(study_id, _unpack(packed))

    def _replay_param(self, trial_id: int, name: str, value: float, described: str | None) -> None:
        key = (self._trial_id_to_study_id_and_number[trial_id][0], name)
        if described is not None:
            self._logged[key] = json_to_distribution(described)
        super().set_trial_param(trial_id, name, value, self._logged[key])

    def _replay_state(self, trial_id: int, state: int, values: list[float] | None, stamp: float) -> None:
        super().set_trial_state_values(trial_id, TrialState(state), values)
        trial = self._get_trial(trial_id)
        if trial.state.is_finished():
            trial.datetime_complete = _time(stamp)
        else:
            trial.datetime_start = _time(stamp)


_REPLAY: dict[str, Callable[..., Any]] = {
    "study": StudyStorage._replay_study,  # noqa: SLF001  a table of its own methods, here and below
    "delete": InMemoryStorage.delete_study,
    "study_user": InMemoryStorage.set_study_user_attr,
    "study_system": InMemoryStorage.set_study_system_attr,
    "trial": StudyStorage._replay_trial,  # noqa: SLF001
    "param": StudyStorage._replay_param,  # noqa: SLF001
    "state": StudyStorage._replay_state,  # noqa: SLF001
    "intermediate": InMemoryStorage.set_trial_intermediate_value,
    "user": InMemoryStorage.set_trial_user_attr,
    "system": InMemoryStorage.set_trial_system_attr,
}


def _pack(trial: FrozenTrial) -> dict[str, Any]:
    """Describe a new trial as JSON; what is empty, as nearly all of it mostly is, is left out."""
    packed = {
        "state": trial.state,
        "values": trial.values,
        "start": _stamp(trial.datetime_start),
        "complete": _stamp(trial.datetime_complete),
        "distributions": {name: distribution_to_json(each) for name, each in trial.distributions.items()},
        "params": {name: trial.distributions[name].to_internal_repr(v) for name, v in trial.params.items()},
        "user": trial.user_attrs,
        "system": trial.system_attrs,
        "intermediate": trial.intermediate_values,
    }
    return {name: value for name, value in packed.items() if value not in (None, {})}


def _unpack(packed: dict[str, Any]) -> FrozenTrial:
    described = packed.get("distributions", {})
    distributions = {name: json_to_distribution(text) for name, text in described.items()}
    params = packed.get("params", {})
    return FrozenTrial(
        number=-1,  # the storage numbers it
        trial_id=-1,
        state=TrialState(packed["state"]),
        value=None,
        values=packed.get("values"),
        datetime_start=_time(packed.get("start")),
        datetime_complete=_time(packed.get("complete")),
        params={name: distributions[name].to_external_repr(value) for name, value in params.items()},
        distributions=distributions,
        user_attrs=packed.get("user", {}),
        system_attrs=packed.get("system", {}),
        # JSON has no numbers as keys
        intermediate_values={int(step): value for step, value in packed.get("intermediate", {}).items()},
    )


def _stamp(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _time(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp)  # noqa: DTZ006  as Optuna's are
