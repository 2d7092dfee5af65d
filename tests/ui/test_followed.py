"""A dashboard stays with its job when the job changes hands."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from plugins.fake_job import FakeJob, FakeReader, play
from plugins.patience import until

from astraml_lab.clock import FakeClock
from astraml_lab.errors import NotFound
from astraml_lab.jobs import Manager
from astraml_lab.spec import JobState, TrialState
from astraml_lab.ui.actions import Actions
from astraml_lab.ui.answers import Answer, Request
from astraml_lab.ui.followed import Followed

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


def test_a_cursor_goes_on_when_the_job_gets_another_reader() -> None:
    stored, live = FakeReader(clock=FakeClock()), FakeReader(clock=FakeClock())
    job = FakeJob(stored)
    followed = Followed(job)
    play(stored, 4)
    cursor, changed = followed.trials()
    assert len(changed) == 4
    assert followed.trials(cursor)[1] == ()
    play(live, 2)
    job.reader = live
    later, changed = followed.trials(cursor)
    assert [trial.number for trial in changed] == [0, 1]
    live.start(7)
    last, changed = followed.trials(later)
    assert [trial.number for trial in changed] == [7]
    assert cursor < later < last


def test_a_later_job_of_the_same_name_is_another_one() -> None:
    class Deleted:
        id = "default/digits#1"

        @property
        def reader(self) -> FakeReader:
            raise NotFound("the job was deleted")

        def stop(self) -> None:
            """Do nothing."""

    reader = FakeReader(clock=FakeClock())
    job = FakeJob(reader)
    assert Followed(job).shows(FakeJob(reader))
    assert not Followed(job).shows(FakeJob(FakeReader(clock=FakeClock())))
    assert not Followed(Deleted()).shows(job)


def test_the_buttons_reach_a_job_from_the_kernel_that_does_not_run_it(bench: Bench) -> None:
    go_on = threading.Event()

    def objective(trial: Trial) -> float:
        while not go_on.wait(0.02):
            trial.report(score=0.0)
        return 1.0

    job = bench.launch(objective, name="digits", trials=2, parallel=2)
    other = Manager(bench.store, bench.manager._wiring, owner="another kernel")
    there = other.find("digits")
    followed, actions = Followed(there), Actions.of(there)
    assert {"pause", "rerun", "resume", "stop", "stop_trial", "extend", "enqueue"} <= set(actions.names)
    until(lambda: there.reader.trial(1) is not None)
    assert actions.run(Request("stop_trial", "1", 0)) == Answer()
    assert actions.run(Request("pause", "2")) == Answer()
    until(lambda: job.state is JobState.PAUSED and job.trials[0].state is TrialState.STOPPED)
    until(lambda: followed.view().state is JobState.PAUSED)
    answer = actions.run(Request("rerun", "3", 0))
    assert (answer.error, answer.said[:12]) == ("", "A new trial ")
    assert "no trial 9" in actions.run(Request("stop_trial", "4", 9)).error
    assert actions.run(Request("stop", "5")) == Answer()
    assert job.wait(120).state is JobState.CANCELLED
    until(lambda: followed.view().state is JobState.CANCELLED)
    assert "nothing of it runs" in actions.run(Request("pause", "6")).error
    other._writer.close()
