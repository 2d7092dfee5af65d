from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from astraml_lab.store import Answer, Claim, Store, tables

if TYPE_CHECKING:
    from astraml_lab.clock import FakeClock

DAY = 86_400.0
RACER = """
import sys
from astraml_lab.store import Store

store = Store(sys.argv[1])
store.list_jobs()
print("ready", flush=True)
sys.stdin.readline()
claim = store.requests.claim("p-demo", "k-1", "print", sys.argv[2])
print(claim.answer, flush=True)
sys.stdin.readline()
"""


def claim(store: Store, key: str = "k-1", fingerprint: str = "print", *, project: str = "p-demo") -> Claim:
    return store.requests.claim(project, key, fingerprint, "digits")


def make(store: Store, name: str = "digits") -> int:
    return store.create_job("p-demo", name, spec="{}", fingerprint="", owner="kernel-1")[0].id


def racer(store: Store, name: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", RACER, str(store.files.home), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert said(child) == "ready"
    return child


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def nudge(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def end(*children: subprocess.Popen[str]) -> None:
    for child in children:
        child.kill()
        child.communicate()


def test_the_first_request_of_a_key_makes_the_job_and_the_next_gets_it(store: Store) -> None:
    first = claim(store)
    assert first.answer is Answer.NEW
    assert claim(store).answer is Answer.IN_PROGRESS
    job = make(store, "made under another name")
    store.requests.complete(first, job)
    again = claim(store)
    assert (again.answer, again.generation_id) == (Answer.REPLAY, job)


def test_another_request_cannot_have_the_key(store: Store) -> None:
    first = claim(store)
    assert claim(store, fingerprint="other").answer is Answer.REUSED
    store.requests.complete(first, make(store))
    assert claim(store, fingerprint="other").answer is Answer.REUSED


def test_projects_and_keys_do_not_meet(store: Store) -> None:
    claims = [claim(store), claim(store, "K-1"), claim(store, project="p-other")]
    assert [each.answer for each in claims] == [Answer.NEW] * 3


def test_a_request_that_failed_frees_its_key(store: Store) -> None:
    store.requests.release(claim(store))
    again = claim(store, fingerprint="mended")
    assert again.answer is Answer.NEW
    store.requests.complete(again, make(store))
    store.requests.release(again)
    assert claim(store, fingerprint="mended").answer is Answer.REPLAY


def test_a_job_that_was_deleted_is_not_made_again(store: Store) -> None:
    first = claim(store)
    record, lease = store.create_job("p-demo", "digits", spec="{}", fingerprint="", owner="kernel-1")
    store.requests.complete(first, record.id)
    store.release(lease)
    store.delete_job("p-demo", "digits")
    assert claim(store).answer is Answer.DELETED
    assert claim(store, fingerprint="other").answer is Answer.REUSED
    make(store)
    assert claim(store).answer is Answer.DELETED


@pytest.mark.parametrize(("seconds", "answer"), [(DAY - 1, Answer.REPLAY), (DAY, Answer.NEW)])
def test_a_key_is_kept_for_a_day_from_its_first_request(
    store: Store, clock: FakeClock, seconds: float, answer: Answer
) -> None:
    first = claim(store)
    clock.advance(60)
    store.requests.complete(first, make(store))
    clock.advance(seconds - 60)
    assert claim(store).answer is answer


def test_a_key_survives_a_restart(store: Store, clock: FakeClock) -> None:
    store.requests.complete(claim(store), make(store))
    store.close()
    with Store(store.files.home, clock=clock) as again:
        assert claim(again).answer is Answer.REPLAY


def test_of_two_processes_exactly_one_is_the_first(store: Store) -> None:
    children = [racer(store, name) for name in ("one", "two")]
    try:
        for child in children:
            nudge(child)
        assert sorted(map(said, children)) == ["in progress", "new"]
    finally:
        end(*children)


def test_the_key_of_a_dead_process_is_free_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Store(tmp_path_factory.mktemp("home")) as store:
        child = racer(store, "digits")
        nudge(child)
        assert said(child) == "new"
        assert claim(store).answer is Answer.IN_PROGRESS
        end(child)
        assert claim(store, fingerprint="other").answer is Answer.NEW
        assert claim(store, fingerprint="other").answer is Answer.IN_PROGRESS


def test_a_job_that_a_process_made_just_before_it_died_is_found(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Store(tmp_path_factory.mktemp("home")) as store:
        child = racer(store, "Digits")
        nudge(child)
        assert said(child) == "new"
        end(child)
        job = make(store)
        found = claim(store)
        assert (found.answer, found.generation_id) == (Answer.REPLAY, job)
        assert claim(store, fingerprint="other").answer is Answer.REUSED


def test_a_job_that_could_not_be_noted_is_found(store: Store) -> None:
    claim(store)
    job = make(store, "Digits")
    found = claim(store)
    assert (found.answer, found.generation_id) == (Answer.REPLAY, job)


def test_the_request_of_another_machine_is_taken_to_be_running(store: Store) -> None:
    claim(store)
    with store.begin() as connection:
        connection.execute(update(tables.requests).values(host="elsewhere", pid=1))
    assert claim(store).answer is Answer.IN_PROGRESS


def test_the_newest_policy_of_a_project_binds(store: Store) -> None:
    assert store.policies.get("p-demo") is None
    assert store.policies.put("p-demo", {"ceilings": {"gpus": 1}}) == 1
    assert store.policies.put("P-Demo", {"ceilings": {"gpus": 2}}) == 2
    assert store.policies.put("other", {}) == 1
    assert store.policies.get("p-demo") == {"ceilings": {"gpus": 2}, "version": 2}


def test_a_key_of_a_schedule_is_held_like_that_of_a_job(store: Store) -> None:
    first = store.requests.claim("p-demo", "k-1", "print", "")
    assert store.requests.claim("p-demo", "k-1", "print", "").answer is Answer.IN_PROGRESS
    made = store.schedules.add("p-demo", "nightly", request={})
    store.requests.complete_schedule(first, made.id)
    store.requests.release(first)

    again = store.requests.claim("p-demo", "k-1", "print", "")
    assert (again.answer, again.schedule_id) == (Answer.REPLAY, made.id)
    assert store.requests.claim("p-demo", "k-1", "another", "").answer is Answer.REUSED
    store.schedules.remove(made.id)
    assert store.requests.claim("p-demo", "k-1", "print", "").answer is Answer.DELETED
