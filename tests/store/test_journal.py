from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astraml_lab.errors import LeaseLost
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import trials

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from astraml_lab.store import Lease, Store


def test_entries_are_read_before_and_after_their_commit(store: Store, lease: Lease) -> None:
    journal = store.journal(lease)
    journal.append([{"n": 0}, {"n": 1}])
    assert store.journal(lease).read(0) == []
    assert journal.read(1) == [{"n": 1}]
    journal.commit(entries=[{"n": 2}])
    journal.append([{"n": 3}])
    assert list(journal.read(0)) == [{"n": n} for n in range(4)]
    assert list(store.journal(lease).read(0)) == [{"n": n} for n in range(3)]


@given(
    commits=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6),
    reopen=st.integers(0, 6),
    start=st.integers(0, 50),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_appends_commits_and_reopenings_reads_as_one_list(
    store: Store, commits: list[tuple[int, int]], reopen: int, start: int
) -> None:
    store.delete_job("default", "property", owner="kernel-1")
    _, lease = store.create_job("default", "property", spec="", fingerprint="", owner="kernel-1")
    journal = store.journal(lease)
    expected: list[int] = []
    for index, (appended, with_commit) in enumerate(commits):
        new = list(range(len(expected), len(expected) + appended + with_commit))
        journal.append(new[:appended])
        journal.commit(entries=new[appended:])
        expected += new
        if index == reopen:
            journal = store.journal(lease)
    assert list(journal.read(start)) == expected[start:]
    assert list(store.journal(lease).read(start)) == expected[start:]


def test_generations_do_not_mix(store: Store, lease: Lease) -> None:
    _, other = store.create_generation(1, spec="", fingerprint="", owner="kernel-1")
    one, two = store.journal(lease), store.journal(other)
    one.commit(entries=["one"])
    two.commit(entries=["two"])
    one.commit(entries=["one again"])
    assert list(store.journal(lease).read(0)) == ["one", "one again"]
    assert list(store.journal(other).read(0)) == ["two"]


def test_a_failing_companion_undoes_the_whole_commit(store: Store, lease: Lease) -> None:
    journal = store.journal(lease)
    journal.append(["before"])

    def save(connection: Connection) -> None:
        trials.save(connection, lease.generation_id, TrialView(0, TrialState.COMPLETE, {}))

    def fail(_connection: Connection) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        journal.commit(save, fail, entries=["end"])
    assert store.load_trials(lease.generation_id) == ()
    assert list(journal.read(0)) == ["before"]
    journal.commit(save, entries=["end"])
    assert list(store.journal(lease).read(0)) == ["before", "end"]
    assert [trial.number for trial in store.load_trials(lease.generation_id)] == [0]


def test_what_json_cannot_say_is_refused_at_once(store: Store, lease: Lease) -> None:
    journal = store.journal(lease)
    with pytest.raises(TypeError):
        journal.append([{"bad": object()}])
    assert journal.read(0) == []


def test_a_pickled_journal_reads_and_cannot_write(store: Store, lease: Lease) -> None:
    journal = store.journal(lease)
    journal.append(["entry"])
    copy = pickle.loads(pickle.dumps(journal))  # noqa: S301  our own pickle
    assert list(copy.read(0)) == ["entry"]
    with pytest.raises(LeaseLost):
        copy.commit(entries=["other"])
    journal.commit(entries=["more"])
    assert list(store.journal(lease).read(0)) == ["entry", "more"]
