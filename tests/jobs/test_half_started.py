"""A job that was stored and could not start is never shown as one that runs."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest
from plugins.patience import until
from sqlalchemy import event

from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from plugins.jobs import Bench
    from sqlalchemy import Connection

    from astraml_lab.jobs.events import Event
    from astraml_lab.trial import Trial


def same(x: float) -> float:
    return x


def until_stopped(trial: Trial) -> None:
    while True:
        trial.report(score=0.0)
        time.sleep(0.02)


@pytest.fixture
def interrupted_when_created(bench: Bench) -> None:
    """Interrupt the kernel in the transaction that stores a new generation."""

    def interrupt(_connection: Connection, _cursor: object, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO generations"):
            os.kill(os.getpid(), signal.SIGINT)

    event.listen(bench.store._engine, "after_cursor_execute", interrupt)


@pytest.mark.usefixtures("interrupted_when_created")
def test_a_job_whose_cell_was_interrupted_while_it_started_runs(bench: Bench) -> None:
    with pytest.raises(KeyboardInterrupt):
        bench.launch(same, name="digits", trials=3)
    job = bench.manager.find("digits")

    assert job.wait(120).state is JobState.SUCCEEDED
    assert len(job.trials) == 3


def test_the_end_of_a_runner_is_written_as_soon_as_the_store_lets_it(bench: Bench) -> None:
    go = threading.Event()
    job = bench.launch(lambda x: float(go.wait(120)) + x, name="digits")
    runner = bench.manager.runner(job._generation_id)
    assert runner is not None
    until(lambda: len(job.view().running) == 1)
    bench.manager._writer.flush()
    with bench.store.begin() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(bench.store.files.database, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        runner.tell(cast("Event", "what no runner understands"))
        assert runner.done.wait(120)
        another.execute("ROLLBACK")
    go.set()

    until(lambda: job.state is JobState.FAILED)
    assert "the runner failed" in job.view().reason
    found = bench.store.load_generation(job._generation_id)
    assert found is not None
    assert found.lease is not None
    assert found.lease.owner is None


def test_what_a_late_writer_still_has_of_a_job_does_not_undo_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, troubles = bench.manager._writer, list[str | None]()
    job = bench.launch(until_stopped)
    until(lambda: job.view().running)
    assert writer.flush()
    monkeypatch.setattr(writer, "_on_trouble", troubles.append)
    with monkeypatch.context() as late:
        late.setattr(writer, "_interval", 3600.0)
        late.setattr(writer, "flush", lambda *_given, **_how: False)
        assert job.stop().wait(120).state is JobState.CANCELLED
    assert writer.flush()

    found = bench.store.load_generation(job._generation_id)
    assert found is not None
    assert found.state is JobState.CANCELLED
    assert troubles == []


@pytest.mark.parametrize("table", ["controls", "trials"])
def test_a_job_that_cannot_be_taken_up_is_nobodys(bench: Bench, table: str) -> None:
    bench.run(lambda x: [][int(x)], name="digits", trials=2)
    with bench.store.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO away")
    found = bench.store.load_job("default", "digits")
    assert found is not None
    with bench.store.begin() as connection:
        connection.exec_driver_sql("UPDATE generations SET state = 'RUNNING', ended_at = NULL")
    with pytest.raises(Exception, match="no such table"):
        bench.manager._resume(found, plan_of(bench))

    assert bench.store.load_generation(found.id).state is JobState.STALE  # type: ignore[union-attr]  # it is there


def plan_of(bench: Bench) -> Any:
    from astraml_lab.jobs.planning import make_plan

    spec, code = bench.prepare(same, name="digits", trials=4)
    return make_plan(spec, code, bench.pool)
