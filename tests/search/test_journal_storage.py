from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import create_trial
from sqlalchemy import text

from astraml_lab.errors import LeaseLost, StoreUnavailable
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import Store, trials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.store import Journal, Lease

KILLS = int(os.environ.get("ASTRAML_TEST_KILLS", "3"))
TELLER = Path(__file__).with_name("tells_until_killed.py")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


@pytest.fixture
def lease(store: Store) -> Lease:
    return store.create_job("default", "digits", spec="{}", fingerprint="", owner="test")[1]


@pytest.fixture
def journal(store: Store, lease: Lease) -> Journal:
    return store.journal(lease)


@pytest.fixture
def storage(journal: Journal) -> StudyStorage:
    return StudyStorage(journal)


class TestOptunaContract(StorageTestCase):
    """Optuna's own suite for storages."""


def reload(store: Store, lease: Lease) -> StudyStorage:
    return StudyStorage(store.journal(lease))


def contents(storage: StudyStorage) -> list[Any]:
    return [
        (
            vars(study),
            storage.get_all_trials(study._study_id),
            storage._studies[study._study_id].best_trial_id,
        )
        for study in storage.get_all_studies()
    ]


def fill(storage: StudyStorage, journal: Journal) -> optuna.Study:
    """Make a study with a trial of every kind."""
    optuna.create_study(storage=storage, study_name="first")
    optuna.delete_study(study_name="first", storage=storage)
    sampler = optuna.samplers.TPESampler(seed=1)
    study = optuna.create_study(storage=storage, study_name="search", sampler=sampler, direction="maximize")
    study.set_user_attr("who", {"name": "Ada", "list": [1, None]})
    study.enqueue_trial({"x": 0.25, "kind": "b"})
    distributions = {"x": FloatDistribution(0, 1), "kind": CategoricalDistribution(("a", "b", None))}
    added = create_trial(
        params={"x": 0.5, "kind": None},
        distributions=distributions,
        value=float("inf"),
        intermediate_values={1: 0.5, 7: float("nan")},
        user_attrs={"note": "ü"},
    )
    study.add_trial(added)
    for number in range(30):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.suggest_categorical("kind", ("a", "b", None))
        if number % 3 == 0:
            trial.suggest_int("depth", 1, 64, log=True)
        trial.report(number / 2, step=number)
        trial.set_user_attr("number", number)
        ends = {0: optuna.trial.TrialState.PRUNED, 1: optuna.trial.TrialState.FAIL}
        state = ends.get(number % 5)
        study.tell(trial, None if state else number / 7, state=state)
    study.enqueue_trial({"x": 0.75})
    study.ask().suggest_float("x", 0, 1)
    study.enqueue_trial({"x": 0.1})
    journal.commit()
    return study


def test_a_reloaded_study_is_equal_and_goes_on(
    store: Store, lease: Lease, storage: StudyStorage, journal: Journal
) -> None:
    study = fill(storage, journal)
    loaded = reload(store, lease)
    # NaN is not equal to itself: compare what is written
    assert repr(contents(loaded)) == repr(contents(storage))
    assert [trial.datetime_start for trial in loaded.get_all_trials(1)] == [
        trial.datetime_start for trial in study.trials
    ]
    again = optuna.load_study(study_name="search", storage=loaded)
    assert again.best_trial.number == study.best_trial.number
    assert again.ask().params == {}, "the enqueued trial is next"
    trial = again.ask()
    again.tell(trial, trial.suggest_float("x", 0, 1))
    assert repr(contents(reload(store, lease))) == repr(contents(loaded))


def test_what_waits_in_memory_is_stored_by_the_next_end(
    store: Store, lease: Lease, storage: StudyStorage
) -> None:
    study = optuna.create_study(storage=storage)
    study.ask().set_user_attr("waits", 1)
    assert contents(reload(store, lease)) == []
    study.tell(study.ask(), 1.0)
    assert contents(reload(store, lease)) == contents(storage)


def test_an_ended_trial_and_its_companion_are_on_disk_when_tell_returns(
    store: Store, lease: Lease, storage: StudyStorage
) -> None:
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    value = trial.suggest_float("x", 0, 1)
    row = TrialView(trial.number, TrialState.COMPLETE, trial.params, values=(value,))
    with storage.together(partial(trials.save, generation_id=lease.generation_id, record=row)):
        study.tell(trial, value)
        assert store.load_trials(lease.generation_id) == (row,)
    assert contents(reload(store, lease)) == contents(storage)


def test_companions_without_an_ended_trial_are_committed_at_the_end_of_the_block(
    store: Store, lease: Lease, storage: StudyStorage
) -> None:
    study = optuna.create_study(storage=storage)
    row = TrialView(0, TrialState.RUNNING, {})
    with storage.together(partial(trials.save, generation_id=lease.generation_id, record=row)):
        study.ask()
        assert store.load_trials(lease.generation_id) == ()
    assert store.load_trials(lease.generation_id) == (row,)
    assert contents(reload(store, lease)) == contents(storage)


def test_a_block_that_raises_writes_no_companion(
    store: Store, lease: Lease, storage: StudyStorage, journal: Journal
) -> None:
    row = TrialView(0, TrialState.RUNNING, {})
    save = partial(trials.save, generation_id=lease.generation_id, record=row)
    with pytest.raises(RuntimeError, match="changed my mind"), storage.together(save):
        raise RuntimeError("changed my mind")
    journal.commit()
    assert store.load_trials(lease.generation_id) == ()


def test_a_trial_that_could_not_be_stored_has_not_ended_and_can_be_told_again(
    store: Store, lease: Lease, storage: StudyStorage, journal: Journal
) -> None:
    study = optuna.create_study(storage=storage)
    journal.commit()
    trial = study.ask()
    trial.set_user_attr("large", "x" * 100_000)
    with store.begin() as connection:
        connection.execute(text("PRAGMA max_page_count = 1"))
    row = TrialView(0, TrialState.COMPLETE, {}, values=(1.0,))
    save = partial(trials.save, generation_id=lease.generation_id, record=row)
    with pytest.raises(StoreUnavailable, match="free some space"), storage.together(save):
        study.tell(trial, 1.0)
    assert study.trials[0].state is optuna.trial.TrialState.RUNNING
    assert store.load_trials(lease.generation_id) == ()
    with store.begin() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    with storage.together(save):
        study.tell(trial, 1.0)
    assert contents(reload(store, lease)) == contents(storage)
    assert store.load_trials(lease.generation_id) == (row,)


def test_an_owner_that_was_replaced_cannot_end_a_trial(
    store: Store, lease: Lease, storage: StudyStorage, journal: Journal
) -> None:
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    journal.commit()
    store.acquire(lease.generation_id, "test")
    with pytest.raises(LeaseLost):
        study.tell(trial, 1.0)
    assert reload(store, lease).get_trial(0).state is optuna.trial.TrialState.RUNNING


def test_a_pickled_copy_can_be_read_and_cannot_end_a_trial(storage: StudyStorage, journal: Journal) -> None:
    study = fill(storage, journal)
    copy = pickle.loads(pickle.dumps(storage))  # noqa: S301  our own pickle
    assert repr(contents(copy)) == repr(contents(storage))
    with pytest.raises(LeaseLost):
        optuna.load_study(study_name="search", storage=copy).add_trial(study.trials[1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_every_trial_that_was_shown_survives_kill_9(tmp_path: Path, seed: int) -> None:
    child = subprocess.Popen([sys.executable, TELLER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    until = random.Random(seed).randint(1, 400)  # noqa: S311  a test's seed
    shown: list[list[str]] = []
    for line in child.stdout:
        shown.append(line.split())
        if len(shown) == until:
            child.kill()
    child.wait()
    child.stdout.close()
    # the last line may have been cut off in the middle
    told = {int(words[0]): float(words[1]) for words in shown if len(words) == 3}
    assert len(told) >= until - 1
    with Store(tmp_path) as store:
        record = store.load_job("default", "kill")
        assert record is not None
        storage = StudyStorage(store.journal(store.acquire(record.id, "after")))
        ended = {trial.number: trial for trial in storage.get_all_trials(0) if trial.state.is_finished()}
        rows = {row.number: row.values for row in store.load_trials(record.id)}
        with store.connect() as connection:
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    assert {number: ended[number].value for number in told} == told
    assert {number: rows[number] for number in told} == {number: (value,) for number, value in told.items()}
    assert rows.keys() == ended.keys()
