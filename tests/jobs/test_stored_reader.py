"""How a job is read that runs in another kernel, or has ended: from the store, no more of it than needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from astraml_lab.clock import FakeClock
from astraml_lab.jobs.stored import FRESH, StoredReader
from astraml_lab.lab import build_spec
from astraml_lab.spec import Float, TrialState, TrialView, objectives_of
from astraml_lab.store import Store, series, trials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


MANY = 40


class Owner:
    """Another kernel that runs a job."""

    def __init__(self, home: Path) -> None:
        self.clock = FakeClock(1_800_000_000.0)
        self.store = Store(home, clock=self.clock)
        spec = build_spec({"lr": Float(0.0, 1.0)}, objectives_of("accuracy", ()), {}).model_dump_json()
        _, self.lease = self.store.create_job("default", "digits", spec=spec, fingerprint="", owner="k")
        found = self.store.load_generation(self.lease.generation_id)
        assert found is not None
        self.reader = StoredReader(self.store, found)

    def save(self, *views: TrialView) -> None:
        """Write trials, and let so much time pass that readers look again."""
        with self.store.fenced(self.lease) as connection:
            trials.save_all(connection, self.lease.generation_id, views)
        self.clock.advance(2 * FRESH)


@pytest.fixture
def owner(home: Path) -> Iterator[Owner]:
    made = Owner(home)
    made.save(*(done(number, number / 100) for number in range(MANY)))
    yield made
    made.store.close()


def done(number: int, value: float) -> TrialView:
    return TrialView(number, TrialState.COMPLETE, {"lr": 0.1}, values=(value,), metrics={"accuracy": value})


def test_only_the_trials_that_changed_are_read_again(owner: Owner) -> None:
    cursor, everything = owner.reader.trials()
    assert len(everything) == MANY
    read: list[Any] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "trials.params" in statement:
            read.append(parameters)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        owner.save(TrialView(MANY, TrialState.RUNNING, {"lr": 0.2}))
        cursor, changed = owner.reader.trials(cursor)
        assert [trial.number for trial in changed] == [MANY]
        owner.clock.advance(2 * FRESH)
        assert owner.reader.trials(cursor) == (cursor, ())
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert read == [(owner.lease.generation_id, MANY)]


def test_a_job_that_did_not_move_is_not_counted_again(owner: Owner) -> None:
    assert owner.reader.view() is owner.reader.view()


def test_the_metrics_of_a_trial_that_runs_are_known_before_it_ends(owner: Owner) -> None:
    owner.save(TrialView(MANY, TrialState.RUNNING, {"lr": 0.2}))
    assert owner.reader.view().metric_names == ("accuracy",)
    blob = series.to_blob([1.0])
    curves = {(owner.lease.generation_id, MANY, name): (blob, blob) for name in ("loss", "accuracy", "f1")}
    with owner.store.fenced(owner.lease) as connection:
        series.save_curves(connection, curves)
    owner.clock.advance(2 * FRESH)
    assert owner.reader.view().metric_names == ("accuracy", "f1", "loss")


def test_the_best_follows_what_ends_and_what_is_taken_back(owner: Owner) -> None:
    assert (owner.reader.view().best, owner.reader.view().best_value) == ((MANY - 1,), (MANY - 1) / 100)
    owner.save(done(MANY, 0.9))
    assert owner.reader.view().best == (MANY,)
    again = replace(done(MANY, 0.9), state=TrialState.RUNNING, values=None, attempt=2)
    owner.save(again)
    view = owner.reader.view()
    assert (view.best, view.running) == ((MANY - 1,), (MANY,))
    assert view.counts[TrialState.COMPLETE] == MANY


def test_a_curve_is_read_once_while_it_counts_as_the_present(owner: Owner) -> None:
    def store(revision: int) -> None:
        steps = np.arange(float(revision))
        with owner.store.fenced(owner.lease) as connection:
            key = (owner.lease.generation_id, 3, "accuracy")
            series.save_curves(connection, {key: (series.to_blob(steps), series.to_blob(steps))})

    store(2)
    first = owner.reader.curve(3, "accuracy")
    store(5)
    assert owner.reader.curve(3, "accuracy") is first
    owner.clock.advance(2 * FRESH)
    later = owner.reader.curve(3, "accuracy")
    assert first is not None
    assert later is not None
    assert len(later.steps) == 5
    assert later.revision != first.revision  # a chart reads it again
