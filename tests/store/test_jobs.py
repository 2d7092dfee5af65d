from __future__ import annotations

import pickle
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from astraml_lab.errors import AstramlError, Conflict, LeaseLost, NotFound, StoreUnavailable
from astraml_lab.spec.state import JobState, TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import Store

if TYPE_CHECKING:
    from store.conftest import SaveTrial

    from astraml_lab.clock import FakeClock
    from astraml_lab.store import GenerationRecord, Lease


def make(store: Store, name: str, project: str = "default") -> GenerationRecord:
    return store.create_job(project, name, spec='{"a": 1}', fingerprint="f", owner="kernel-1")[0]


def test_a_new_job_comes_back_as_it_was_made(store: Store, clock: FakeClock) -> None:
    made = make(store, "Digits")
    assert store.load_job("default", "digits") == made
    assert (made.name, made.number, made.state, made.spec) == ("Digits", 1, JobState.QUEUED, '{"a": 1}')
    assert made.created_at == clock.time()
    assert store.load_generation(made.id) == made


@pytest.mark.parametrize("again", ["digits", "DIGITS", "Digits"])
def test_a_name_is_taken_whatever_its_case(store: Store, again: str) -> None:
    make(store, "Digits")
    with pytest.raises(Conflict, match=again):
        make(store, again)
    assert make(store, again, project="other").number == 1


def test_a_race_for_a_name_has_one_winner(store: Store) -> None:
    others = [Store(store.files.home) for _ in range(4)]
    start = threading.Barrier(len(others))
    won: list[GenerationRecord] = []
    lost: list[AstramlError] = []

    def race(mine: Store) -> None:
        start.wait()
        try:
            won.append(make(mine, "digits"))
        except Conflict as exc:
            lost.append(exc)

    threads = [threading.Thread(target=race, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert (len(won), len(lost)) == (1, len(others) - 1)


def test_generations_are_numbered_and_the_newest_is_listed(store: Store, clock: FakeClock) -> None:
    first = make(store, "digits")
    clock.advance(1)
    make(store, "other")
    clock.advance(1)
    second, _ = store.create_generation(first.job_id, spec="{}", fingerprint="g", owner="kernel-1")
    assert second.number == 2
    assert [record.name for record in store.list_jobs()] == ["digits", "other"]
    assert store.load_job("default", "digits") == second
    assert store.load_job("default", "digits", number=1) == first
    assert [record.number for record in store.list_generations(first.job_id)] == [2, 1]
    assert store.newest_job() == second
    assert store.list_jobs(project="none") == ()


def test_a_generation_changes_and_refuses_fields_that_do_not(store: Store, lease: Lease) -> None:
    store.update_generation(lease, state=JobState.RUNNING, reason="why", started_at=5.0)
    record = store.load_generation(lease.generation_id)
    assert record is not None
    assert (record.state, record.reason, record.started_at) == (JobState.RUNNING, "why", 5.0)
    with pytest.raises(TypeError, match="number"):
        store.update_generation(lease, number=7)


def test_deleting_a_job_takes_all_that_belongs_to_it(
    store: Store, lease: Lease, save_trial: SaveTrial
) -> None:
    save_trial(lease, TrialView(0, TrialState.RUNNING, {}))
    store.journal(lease).commit(entries=[1])
    folder = store.files.trial("default", "digits", 1, 0)
    folder.mkdir(parents=True)
    store.release(lease)
    store.delete_job("default", "DIGITS")
    store.delete_job("default", "digits")
    assert store.load_job("default", "digits") is None
    assert store.load_trials(lease.generation_id) == ()
    assert not folder.exists()
    with pytest.raises(LeaseLost):
        save_trial(lease, TrialView(0, TrialState.RUNNING, {}))
    with pytest.raises(NotFound):
        store.acquire(lease.generation_id, "kernel-1")
    with pytest.raises(NotFound):
        store.create_generation(1, spec="", fingerprint="", owner="kernel-1")
    assert make(store, "digits").id != lease.generation_id


def test_a_job_that_somebody_alive_owns_is_not_deleted(store: Store, lease: Lease) -> None:
    record = store.load_generation(lease.generation_id)
    assert record is not None
    store.create_generation(record.job_id, spec="{}", fingerprint="", owner="kernel-2")
    store.release(lease)
    folder = store.files.make_trial("default", "digits", 1, 0)
    with pytest.raises(Conflict, match="kernel-2"):
        store.delete_job("default", "digits")
    with pytest.raises(Conflict, match="kernel-2"):
        store.delete_job("default", "digits", owner="kernel-1")
    assert len(store.list_generations(record.job_id)) == 2
    assert folder.exists()
    store.delete_job("default", "digits", owner="kernel-2")
    assert store.list_jobs() == ()


def test_a_job_that_takes_the_name_of_one_whose_files_go_keeps_its_own(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.release(lease)
    old = store.files.make_trial("default", "digits", 1, 0)
    removes, new = shutil.rmtree, list[Path]()

    def rmtree(*given: Any, **how: Any) -> None:
        if not new and not store._turn.locked():  # the rows are gone
            store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-2")
            new.append(store.files.make_trial("default", "digits", 1, 7))
        removes(*given, **how)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    store.delete_job("default", "digits", owner="kernel-1")
    assert new[0].is_dir()
    assert not old.exists()
    assert [each.name for each in store.files.job("default", "digits").parent.iterdir()] == ["digits"]


def test_a_job_that_cannot_be_deleted_keeps_its_files(store: Store, lease: Lease) -> None:
    store.release(lease)
    folder = store.files.make_trial("default", "digits", 1, 0)

    def refuse(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._engine, "commit", refuse)
    with pytest.raises(StoreUnavailable, match="disk I/O"):
        store.delete_job("default", "digits", owner="kernel-1")
    event.remove(store._engine, "commit", refuse)
    assert folder.is_dir()
    assert len(store.list_jobs()) == 1


def test_an_older_generation_with_a_living_owner_protects_the_job(store: Store, lease: Lease) -> None:
    record = store.load_generation(lease.generation_id)
    assert record is not None
    _, newest = store.create_generation(record.job_id, spec="{}", fingerprint="", owner="kernel-2")
    store.release(newest)
    with pytest.raises(Conflict, match="kernel-1"):
        store.delete_job("default", "digits")


def test_commands_for_an_owner_that_is_gone_are_forgotten(store: Store, lease: Lease) -> None:
    other = store.create_job("default", "other", spec="{}", fingerprint="", owner="kernel-1")[1]
    for each in (lease, other):
        store.request(each.generation_id, "stop")
    store.discard_controls(lease.generation_id)
    assert store.take(lease.generation_id) == ()
    assert len(store.take(other.generation_id)) == 1


def test_commands_wait_for_the_owner_and_are_taken_once(store: Store, lease: Lease) -> None:
    store.request(lease.generation_id, "stop")
    store.request(lease.generation_id, "stop_trial", {"trial": 7})
    taken = store.take(lease.generation_id)
    assert [(each.command, each.argument) for each in taken] == [("stop", None), ("stop_trial", {"trial": 7})]
    assert store.take(lease.generation_id) == ()


def test_a_pickled_store_opens_the_same_database(store: Store, lease: Lease) -> None:
    with pickle.loads(pickle.dumps(store)) as copy:  # noqa: S301  our own pickle
        assert copy.load_generation(lease.generation_id) == store.load_generation(lease.generation_id)


def test_a_closed_store_opens_again(store: Store, lease: Lease) -> None:
    store.close()
    store.renew(lease)
    assert store.load_generation(lease.generation_id) is not None


def test_a_renamed_job_keeps_all_it_has_and_frees_its_name(
    store: Store, lease: Lease, save_trial: SaveTrial
) -> None:
    save_trial(lease, TrialView(0, TrialState.RUNNING, {}))
    (store.files.make_trial("default", "digits", 1, 0) / "log.txt").write_text("kept")
    with pytest.raises(Conflict, match="kernel-1"):
        store.rename_job("default", "digits", "old")
    store.release(lease)
    _, other = store.create_job("default", "letters", spec="{}", fingerprint="", owner="kernel-1")
    with pytest.raises(Conflict, match="there is a job `Letters` already"):
        store.rename_job("default", "digits", "Letters")

    store.rename_job("default", "DIGITS", "digits (old)")

    found = store.load_job("default", "digits (old)")
    assert found is not None
    assert (found.id, found.name, len(store.load_trials(found.id))) == (
        lease.generation_id,
        "digits (old)",
        1,
    )
    assert (store.files.trial("default", "digits (old)", 1, 0) / "log.txt").read_text() == "kept"
    assert not store.files.job("default", "digits").exists()
    with pytest.raises(NotFound):
        store.rename_job("default", "digits", "again")
    store.release(other)
    store.rename_job("default", "letters", "digits")
    assert {each.name for each in store.list_jobs()} == {"digits (old)", "digits"}
