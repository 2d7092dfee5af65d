from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from astraml_lab.errors import Conflict, NotBuiltYet, NotFound
from astraml_lab.jobs import describe_job
from astraml_lab.jobs.planning import make_plan
from astraml_lab.spec import Float, JobState, TrialState

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


def same(trial: Trial) -> float:
    for step in range(3):
        trial.report(score=float(trial.number), loss=1.0 / (step + 1))
    return float(trial.number)


def test_a_finished_job_is_shown_and_not_run_again(bench: Bench) -> None:
    first = bench.run(same, name="digits", trials=3)
    again = bench.run(same, name="Digits", trials=2)

    assert again.id == first.id
    assert len(again.trials) == 3


def test_the_same_job_attaches_while_it_runs(bench: Bench) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    first = bench.launch(hold, name="digits", trials=1)
    second = bench.launch(hold, name="digits", trials=2)
    assert second.id == first.id
    go.set()
    assert first.wait(120).view().finished == 2  # extended by the second launch


def test_a_changed_space_starts_a_generation_that_says_so(bench: Bench) -> None:
    first = bench.run(same, name="digits", trials=2)
    second = bench.run(same, {"x": Float(0.0, 2.0)}, name="digits", trials=2)

    assert (first.generation, second.generation) == (1, 2)
    assert "since generation 1: changed the space" in second.view().note
    assert bench.manager.find("digits").id == second.id
    assert len(first.trials) == 2


def test_other_data_are_no_other_job_but_said_and_so_is_what_is_not_compared(bench: Bench) -> None:
    def over(data: Any) -> Any:
        def train(x: float) -> float:
            return float(x + len(data))

        return train

    bench.run(over(np.zeros(100_000)), name="digits", trials=1)
    again = bench.run(over(np.zeros(100_000)), name="digits", trials=1)
    other = bench.run(over(np.ones(100_000)), name="digits", trials=1)
    assert (again.said, other.generation) == ("", 1)
    assert other.said == (
        "digits: the same search as before, not started anew. "
        "Other data than it began with: `data` of train; `--new` starts over."
    )
    longer = bench.run(over(np.ones(100_000)), name="digits", trials=2)
    assert "other data than it began with: `data` of train" in longer.view().note

    bench.run(over([0] * 1000), name="lists", trials=1)
    said = (
        "lists: the same search as before, not started anew. Not compared: data (list); `--new` starts over."
    )
    assert bench.run(over([1] * 1000), name="lists", trials=1).said == said
    assert "not compared: data (list)" in bench.run(over([1] * 1000), name="lists", trials=2).view().note


def test_a_job_without_a_search_space_says_that_it_is_one_trial(bench: Bench) -> None:
    job = bench.run(lambda: 1.0, {}, name="single", trials=20)
    assert "no search space: one trial" in job.view().note
    assert len(job.trials) == 1


def test_a_changed_function_is_named(bench: Bench) -> None:
    bench.run(same, name="digits", trials=1)

    def other(x: float) -> float:
        return x

    assert "changed" in bench.run(other, name="digits", trials=1).view().note


def test_new_starts_over(bench: Bench) -> None:
    bench.run(same, name="digits", trials=1)
    again = bench.run(same, name="digits", trials=1, new=True)

    assert again.generation == 2
    assert "started over" in again.view().note


def test_a_changed_job_does_not_push_a_running_one_aside_unless_told_to(bench: Bench) -> None:
    def endless(trial: Trial) -> None:
        pause = threading.Event()
        while True:
            pause.wait(0.01)
            trial.report(score=1.0)

    first = bench.launch(endless, name="digits", trials=1)
    with pytest.raises(Conflict, match=r"nothing was started.*--replace"):
        bench.launch(same, name="digits", trials=1)
    second = bench.launch(same, name="digits", trials=1, replace=True)

    assert second.wait(120).state is JobState.SUCCEEDED
    assert first.state is JobState.CANCELLED
    assert "replaced" in first.view().reason


def test_headless_replaces_without_being_told(bench: Bench) -> None:
    def endless(trial: Trial) -> None:
        pause = threading.Event()
        while True:
            pause.wait(0.01)
            trial.report(score=1.0)

    bench.launch(endless, name="digits", trials=1)
    assert bench.launch(same, name="digits", trials=1, attended=False).generation == 2


def test_a_job_without_a_name_is_always_new(bench: Bench) -> None:
    names = {bench.run(same, trials=1).name for _ in range(2)}
    assert len(names) == 2


def test_a_nameless_twin_of_a_running_job_is_noted(bench: Bench) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    first, second = (bench.launch(hold, trials=1) for _ in range(2))
    go.set()

    assert f"{first.name} runs the same search" in second.wait(120).view().note
    assert "same search" not in first.view().note


def test_an_unknown_name_is_met_with_the_nearest(bench: Bench) -> None:
    bench.run(same, name="digits", trials=1)
    with pytest.raises(NotFound, match='did you mean "digits"'):
        bench.manager.find("digit")


def test_what_is_read_from_the_store_equals_what_was_live(bench: Bench) -> None:
    job = bench.run(same, name="digits", trials=4)
    live = job.reader
    assert bench.manager._writer.flush()
    stored = reopened(bench).find("digits").reader

    assert stored.trials()[1] == live.trials()[1]
    assert describe_job(stored.view()) == describe_job(live.view())
    curves = stored.curve(2, "loss"), live.curve(2, "loss")
    assert curves[0] is not None
    assert curves[1] is not None
    assert curves[0].values.tolist() == curves[1].values.tolist()
    windows = stored.windows(2, "loss"), live.windows(2, "loss")
    assert windows[0] is not None
    assert windows[1] is not None
    assert windows[0].maxima.tolist() == windows[1].maxima.tolist()
    assert stored.view().best == live.view().best


def test_a_running_job_is_not_deleted_and_a_finished_one_goes_with_its_files(bench: Bench) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    job = bench.launch(hold, name="digits", trials=1)
    with pytest.raises(Conflict, match="stop it first"):
        job.delete()
    go.set()
    folder = job.wait(120).trials[0].folder
    assert folder.is_dir()
    bench.run(lambda x: -x, name="digits", trials=2)
    assert job.delete() == (2, 3)

    assert not folder.exists()
    with pytest.raises(NotFound):
        bench.manager.find("digits")


def test_a_job_that_is_stopping_is_not_deleted_but_waited_for(bench: Bench) -> None:
    go = threading.Event()
    job = bench.launch(lambda x: float(go.wait(120)) + x, name="digits", trials=2, parallel=1)
    while not job.view().running:
        assert not job.wait(0.05).state.ended
    job.stop()
    while bench.manager.find("digits")._owner.stored.state is not JobState.STOPPING:
        assert not job.wait(0.05).state.ended

    with pytest.raises(Conflict, match=r"STOPPING: wait until it has ended \(`%tune wait digits`\), then"):
        job.delete()
    go.set()
    assert job.wait(120).delete() == (1, 1)


def test_options_of_later_versions_are_refused_in_one_sentence(bench: Bench) -> None:
    with pytest.raises(NotBuiltYet) as caught:
        bench.launch(same, executor="ray")
    assert str(caught.value).count("\n") == 0
    assert "--executor ray" in str(caught.value)


KILLED = """
import os, sys, threading
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench

def train(trial):
    trial.report(score=float(trial.number))
    if trial.number == 3:
        os.write(1, b"hold\\n")
        threading.Event().wait()
    return float(trial.number)

Bench(Path({home!r})).launch(train, name="killed", trials=8, parallel=1).wait()
"""


def test_a_killed_kernel_loses_no_finished_trial_and_the_job_goes_on(bench: Bench, home: Path) -> None:
    tests = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - text for another process
    script = KILLED.format(tests=tests, home=str(home))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "hold\n"
        child.send_signal(signal.SIGKILL)
        child.wait(120)

    stale = bench.manager.find("killed")
    assert stale.state is JobState.STALE
    assert "%tune resume killed goes on" in stale.view().reason
    before = {number: trial.view() for number, trial in stale.trials.items()}
    assert [view.state for view in before.values()] == [TrialState.COMPLETE] * 3 + [TrialState.RUNNING]
    assert [*stale.df["state"]] == ["COMPLETE"] * 3 + ["STALE"]
    assert stale.df["reason"][3] == "its kernel is gone: runs again when the job goes on"
    assert repr(stale.trials[3]).startswith("trial 3 cut off")
    assert "trial 3: cut off" in stale.debug(3)

    # the same search, found by name: the function's source is not the same here, so hand over its fingerprint
    job = resumed(bench, "killed", lambda trial: float(trial.number)).wait(120)

    assert job.state is JobState.SUCCEEDED
    after = {number: trial.view() for number, trial in job.trials.items()}
    assert len(after) == 8
    assert {n: view for n, view in after.items() if n < 3} == {n: view for n, view in before.items() if n < 3}
    assert after[3].params == before[3].params
    assert after[3].attempt == 2
    assert len({view.params["x"] for view in after.values()}) == 8


WAITS = """
import sys, threading
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench
from astraml_lab.jobs.retrying import RetryPolicy

def pause(self, attempt):
    return (0.01, 600)[attempt - 1]  # the kernel dies in the second one

RetryPolicy.pause = pause

def train(trial):
    raise RuntimeError("the weather")

bench = Bench(Path({home!r}))
bench.launch(train, name="waits", trials=1, retries=2)
generation = bench.store.load_job("default", "waits").id
while [view.attempt for view in bench.store.load_trials(generation)] != [3]:
    threading.Event().wait(0.01)
print("waits", flush=True)
threading.Event().wait()
"""


def test_a_trial_that_waited_for_a_further_attempt_gets_it_when_its_kernel_died(
    bench: Bench, home: Path
) -> None:
    tests = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - text for another process
    script = WAITS.format(tests=tests, home=str(home))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waits\n"
        child.send_signal(signal.SIGKILL)
        child.wait(120)
    job = resumed(bench, "waits", lambda trial: float(trial.number)).wait(120)

    assert job.trials[0].state is TrialState.COMPLETE
    assert job.trials[0].view().attempt == 3


TAKEN = """
import sys
from pathlib import Path
from astraml_lab.store import Store

store = Store(Path({home!r}))
lease = store.acquire(store.load_job("default", "digits").id, "kernel 9")
store.update_generation(lease, state="RUNNING", ended_at=None)
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_job_that_another_kernel_has_taken_up_is_watched_where_it_began(bench: Bench, home: Path) -> None:
    def fail(x: float) -> float:
        raise ValueError(x)

    began = bench.run(fail, name="digits", trials=9)
    assert began.state is JobState.FAILED
    command = [sys.executable, "-c", TAKEN.format(home=str(home))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "taken\n"
        again = bench.launch(fail, name="digits", trials=9)

        assert again.state is JobState.RUNNING
        assert again.elsewhere.endswith(f":{child.pid}")


def reopened(bench: Bench) -> Any:
    """Return a manager that has never run anything, over the same store."""
    from astraml_lab.jobs import Manager

    return Manager(bench.store, bench.manager._wiring, owner="another test")


def resumed(bench: Bench, name: str, function: Any) -> Any:
    """Resume a stale job with code of this process."""
    found = bench.store.load_job("default", name)
    assert found is not None
    spec, code = bench.prepare(function, name=name, trials=8, parallel=1)
    plan = make_plan(spec, code, bench.pool)
    return bench.manager._resume(found, plan)


def test_a_finished_job_is_shown_even_if_its_budget_was_not_used_up(bench: Bench) -> None:
    first = bench.run(same, name="early", trials=50, target=2)
    again = bench.run(same, name="early", trials=50, target=2)

    assert again.id == first.id
    assert len(again.trials) == 3


def test_a_stopped_job_goes_on_and_stores_what_is_new(bench: Bench) -> None:
    started = threading.Event()

    def train(trial: Trial) -> float:
        pause = threading.Event()
        while trial.number == 1 and not started.is_set():
            started.set()
            pause.wait(0.2)
            trial.report(score=0.0)
        return float(trial.number)

    job = bench.launch(train, name="digits", trials=4)
    assert started.wait(120)
    job.stop().wait(120)
    again = bench.run(train, name="digits", trials=5)

    assert again.id == job.id
    assert again.view().finished == 5
    assert "went on after" in again.view().note
    stored = reopened(bench).find("digits")
    assert stored.view().trials == 5
    assert stored.state is JobState.SUCCEEDED


def test_a_stale_job_can_be_stopped_and_its_resume_is_not(bench: Bench) -> None:
    spec, code = bench.prepare(same, name="gone", trials=2)
    found, lease = bench.store.create_job(
        "default", "gone", spec=spec.model_dump_json(), fingerprint="{}", owner="a kernel that died"
    )
    bench.store.release(lease)
    stale = bench.manager.find("gone")
    assert stale.state is JobState.STALE

    assert stale.stop().state is JobState.CANCELLED
    assert code.program.kind == "function"
    assert found.number == 1


def test_a_job_that_cannot_start_is_failed_and_nobodys(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_parts: object) -> None:
        raise RuntimeError("no memory for this")

    with monkeypatch.context() as patched:  # nothing real fails between the rows and the thread
        patched.setattr(sys.modules["astraml_lab.jobs.manager"], "LiveJob", broken)
        with pytest.raises(RuntimeError):
            bench.launch(same, name="digits", trials=1)
    job = bench.manager.find("digits")
    assert job.state is JobState.FAILED
    assert job.view().reason == "could not start: no memory for this"
    assert bench.run(same, name="digits", trials=1).state is JobState.SUCCEEDED


def test_an_old_generation_does_not_delete_the_running_one(bench: Bench) -> None:
    old = bench.run(same, name="digits", trials=1)
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    bench.launch(hold, name="digits", trials=1)
    with pytest.raises(Conflict, match="stop it first"):
        old.delete()
    go.set()


def test_what_another_kernel_adds_to_a_finished_job_is_seen(bench: Bench) -> None:
    job = bench.run(same, name="digits", trials=2)
    assert job.view().finished == 2
    other = reopened(bench)
    spec, code = bench.prepare(same, name="digits", trials=5)
    other.launch(spec, code, attended=True).wait(120)
    job.wait(1.2)
    threading.Event().wait(1.1)

    assert job.view().finished == 5
    other._writer.close()


def test_an_older_generation_can_still_be_had(bench: Bench) -> None:
    bench.run(same, name="digits", trials=2)
    bench.run(same, name="digits", trials=1, new=True)

    assert len(bench.manager.find("digits", generation=1).trials) == 2
    with pytest.raises(NotFound, match="no generation 3"):
        bench.manager.find("digits", generation=3)


def test_a_resumed_job_reads_as_running_at_once(bench: Bench) -> None:
    go = threading.Event()

    def hold(trial: Trial) -> float:
        assert trial.number < 2 or go.wait(120)
        return float(trial.number)

    bench.run(hold, name="digits", trials=2)
    again = bench.launch(hold, name="digits", trials=3)

    assert again.state is JobState.RUNNING
    assert again.view().ended_at is None
    go.set()
    assert again.wait(120).view().finished == 3


def test_a_fork_of_the_kernel_that_ends_waits_for_no_job(bench: Bench) -> None:
    go = threading.Event()
    job = bench.launch(lambda x: float(go.wait(120)) + x, name="digits", trials=1)
    while not job.view().running:
        assert not job.wait(0.05).state.ended
    fork = os.fork()
    if not fork:
        began = time.monotonic()
        bench.manager.leave(60)  # as at the exit of the interpreter
        os._exit(int(time.monotonic() - began > 30))

    assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 0
    go.set()
    assert job.wait(120).state is JobState.SUCCEEDED


def test_one_damaged_specification_hides_no_other_job(bench: Bench) -> None:
    bench.run(same, name="good", trials=1)
    bench.run(same, name="bad", trials=1)
    with sqlite3.connect(bench.store.files.database) as connection:
        connection.execute("update generations set spec = '{bad' where id = 2")

    views = {job.name: job.view() for job in reopened(bench).jobs()}
    assert views["good"].state is JobState.SUCCEEDED
    assert "cannot be read" in views["bad"].reason
    reopened(bench).find("bad").delete()
