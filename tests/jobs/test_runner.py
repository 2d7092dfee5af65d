from __future__ import annotations

import math
import sys
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from jobs.passing import let_pass
from plugins.patience import until

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.jobs.events import Enqueue
from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import Categorical, FailureKind, Float, Int, JobState, TrialState

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


def climb(trial: Trial) -> None:
    for step in range(1, 4):
        x: float = trial.params["x"]
        trial.report(score=x * step, step=step)


def test_a_job_runs_its_trials_and_knows_the_best(bench: Bench) -> None:
    job = bench.run(climb, trials=6, prune="off")

    assert job.state is JobState.SUCCEEDED
    assert job.view().reason == "all trials are done"
    values = {number: trial.values for number, trial in job.trials.items()}
    assert len(values) == 6
    assert job.best.values == max(value for value in values.values() if value)
    x = job.best.params["x"]
    assert isinstance(x, float)
    assert job.best.metrics["score"] == pytest.approx(3 * x)


def test_a_view_holds_the_space_while_the_job_runs_and_after(bench: Bench) -> None:
    may_end = threading.Event()

    def wait(x: float) -> float:
        may_end.wait(120)
        return x

    job = bench.launch(wait, trials=1)
    running = job.view().space
    may_end.set()

    assert running == job.wait(120).view().space == job.spec.space
    assert running.names() == ["x"]


def test_two_trials_at_once_really_overlap(bench: Bench) -> None:
    both = threading.Barrier(2, timeout=120)

    def meet(x: float) -> float:
        both.wait()
        return x

    job = bench.run(meet, trials=4, parallel=2)

    assert job.state is JobState.SUCCEEDED
    assert job.view().counts[TrialState.COMPLETE] == 4


def test_the_same_seed_proposes_the_same_points(bench: Bench) -> None:
    points = [
        [trial.params["x"] for trial in bench.run(climb, trials=5, prune="off", name=name).trials.values()]
        for name in ("one", "two")
    ]

    assert points[0] == points[1]


def test_an_exception_fails_its_trial_alone_and_keeps_its_traceback(bench: Bench) -> None:
    def sometimes(trial: Trial) -> float:
        if trial.number == 1:
            raise KeyError("no such layer")
        return 1.0

    job = bench.run(sometimes, trials=3)

    failed = job.trials[1]
    assert job.state is JobState.SUCCEEDED
    assert (failed.state, failed.kind) == (TrialState.FAILED, FailureKind.EXCEPTION)
    assert failed.reason == "KeyError: 'no such layer'"
    assert 'raise KeyError("no such layer")' in failed.traceback
    assert "astraml_lab/" not in failed.traceback
    assert "no such layer" in failed.log.tail()


def test_the_table_has_no_kind_where_nothing_failed(bench: Bench) -> None:
    def train(trial: Trial) -> float:
        if trial.number == 1:
            raise RuntimeError("odd")
        return 1.0

    assert [*bench.run(train, trials=2).df["kind"]] == [None, "exception"]
    assert [*bench.run(train, trials=1).df["kind"]] == [None]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_no_number_fails_the_trial_at_once(bench: Bench, value: float) -> None:
    after: list[str] = []

    def diverge(report: Any, **_params: float) -> None:
        report(score=0.5)
        report(score=value)
        after.append("went on")

    job = bench.run(diverge, trials=1)

    assert job.state is JobState.FAILED
    assert job.trials[0].kind is FailureKind.NAN
    assert job.trials[0].reason == f"score is {value} at step 2"
    assert after == []


def test_nan_in_another_metric_is_only_counted(bench: Bench) -> None:
    def noisy(x: float, report: Any) -> None:
        report(score=x, loss=math.nan)

    assert bench.run(noisy, trials=2).state is JobState.SUCCEEDED


def test_a_missing_objective_is_said_with_what_was_reported(bench: Bench) -> None:
    def forgetful(report: Any, **_params: float) -> None:
        report(loss=1.0, accuracy=0.5)

    job = bench.run(forgetful, trials=1)

    assert job.trials[0].kind is FailureKind.NO_METRIC
    reason = "ended without a report of score, which the job is to maximize: it reported loss, accuracy"
    assert job.trials[0].reason == reason
    assert reason in job.view().reason


def test_an_infeasible_point_counts_as_no_failure(bench: Bench) -> None:
    def picky(trial: Trial) -> float:
        if trial.number < 5:
            trial.infeasible("does not fit the memory")
        return 1.0

    job = bench.run(picky, trials=6)

    assert job.state is JobState.SUCCEEDED
    assert job.trials[0].kind is FailureKind.INFEASIBLE
    assert job.trials[0].reason == "does not fit the memory"


def test_a_job_whose_first_five_trials_fail_ends_and_names_the_cause(bench: Bench) -> None:
    def typo(x: float) -> float:
        return undefined_name + x  # type: ignore[name-defined,no-any-return]  # noqa: F821 - the typo

    job = bench.run(typo, trials=50)

    assert job.state is JobState.FAILED
    assert job.view().counts[TrialState.FAILED] == 5
    assert "the first 5 trials all failed: NameError" in job.view().reason


def test_max_failures_is_a_total(bench: Bench) -> None:
    def flaky(trial: Trial) -> float:
        if trial.number % 2:
            raise ValueError("odd")
        return 1.0

    job = bench.run(flaky, trials=50, max_failures=3)

    assert job.state is JobState.FAILED
    assert "3 failed trials (--max-failures 3); the last: ValueError: odd" in job.view().reason


def test_a_bad_trial_is_pruned_with_a_reason(bench: Bench) -> None:
    def curve(trial: Trial) -> None:
        for step in range(1, 4):
            trial.report(score=-1.0 if trial.number == 6 else 1.0, step=step)

    job = bench.run(curve, trials=7, prune="median")

    assert job.trials[6].state is TrialState.PRUNED
    assert job.trials[6].reason == "pruned at step 1: score -1 is below the median 1 of 6 trials"


def test_trials_of_one_report_are_pruned_only_where_that_was_asked_for(bench: Bench) -> None:
    def once(trial: Trial) -> None:
        trial.report(score=-float(trial.number))

    left_alone = bench.run(once, trials=8).trials.values()
    assert {trial.state for trial in left_alone} == {TrialState.COMPLETE}
    asked = bench.run(once, trials=8, prune="median").trials.values()
    assert TrialState.PRUNED in {trial.state for trial in asked}


def test_except_exception_does_not_swallow_the_end_and_a_bare_except_meets_it_again(bench: Bench) -> None:
    seen: list[str] = []

    def stubborn(trial: Trial) -> None:
        for _ in range(3):
            try:
                trial.report(score=math.nan)
            except Exception:  # noqa: BLE001 - what user code does
                seen.append("swallowed")
            except BaseException:  # noqa: BLE001
                seen.append("caught")
        trial.report(score=1.0)
        seen.append("went on")

    job = bench.run(stubborn, trials=1)

    assert seen == ["caught"] * 3
    assert job.trials[0].kind is FailureKind.NAN


def test_optunas_own_signal_counts_as_pruned(bench: Bench) -> None:
    def optuna_code(trial: Trial) -> float:
        import optuna

        if trial.number == 1:
            raise optuna.TrialPruned
        return 1.0

    job = bench.run(optuna_code, trials=2)

    assert job.trials[1].state is TrialState.PRUNED


def test_patience_ends_a_trial_as_complete(bench: Bench) -> None:
    def plateau(trial: Trial) -> None:
        for step in range(100):
            trial.report(score=min(step, 3))

    job = bench.run(plateau, trials=1, patience=2)

    assert job.trials[0].state is TrialState.COMPLETE
    assert job.trials[0].values == (3.0,)
    assert "was not improved in 2 reports" in job.trials[0].reason


@pytest.mark.parametrize(("select", "value"), [("last", 2.0), ("best", 5.0)])
def test_select_says_which_report_is_the_value(bench: Bench, select: str, value: float) -> None:
    def bump(report: Any, **_params: float) -> None:
        for score in (1.0, 5.0, 2.0):
            report(score=score)

    assert bench.run(bump, trials=1, select=select).best.values == (value,)


def test_the_target_ends_the_job(bench: Bench) -> None:
    job = bench.run(lambda trial: float(trial.number), trials=50, target=3)

    assert job.state is JobState.SUCCEEDED
    assert job.view().reason == "target reached: score 3 in trial 3 (target 3)"
    assert job.view().finished == 4


def test_no_improvement_ends_the_job(bench: Bench) -> None:
    job = bench.run(lambda trial: -float(trial.number), trials=50, max_no_improvement=3)

    assert job.view().reason == "no better score in 3 trials"
    assert job.view().finished == 4


def test_max_runtime_stops_what_runs(bench: Bench) -> None:
    def endless(trial: Trial) -> None:
        let_pass(bench, 600)
        pause = threading.Event()
        while True:
            pause.wait(0.01)
            trial.report(score=1.0)

    job = bench.run(lambda trial: endless(trial) if trial.number else 1.0, trials=5, max_runtime="10m")

    assert job.state is JobState.SUCCEEDED
    assert job.view().reason == "out of time: 10 m"
    assert job.trials[1].state is TrialState.STOPPED


def test_a_trial_over_its_time_fails_at_its_next_report(bench: Bench) -> None:
    def slow(trial: Trial) -> None:
        pause = threading.Event()
        while True:
            pause.wait(0.05)
            trial.report(score=1.0)

    job = bench.run(slow, trials=1, trial_timeout=0.2)

    assert job.trials[0].kind is FailureKind.TIMEOUT
    assert job.trials[0].reason == "ran longer than 0.2 s (--trial-timeout)"


def test_stop_ends_running_trials_and_keeps_what_finished(bench: Bench) -> None:
    started = threading.Event()

    def train(trial: Trial) -> None:
        trial.report(score=1.0)
        if trial.number == 1:
            started.set()
            pause = threading.Event()
            while True:
                pause.wait(0.01)
                trial.report(score=1.0)

    job = bench.launch(train, trials=9)
    assert started.wait(120)
    job.stop().wait(120)

    assert (job.state, job.view().reason) == (JobState.CANCELLED, "stopped by you")
    assert job.trials[0].state is TrialState.COMPLETE
    assert job.trials[1].state is TrialState.STOPPED
    assert job.best.number == 0


def test_one_trial_can_be_stopped_alone(bench: Bench) -> None:
    started = threading.Event()

    def train(trial: Trial) -> None:
        pause = threading.Event()
        while trial.number == 0:
            started.set()
            pause.wait(0.01)
            trial.report(score=0.0)
        trial.report(score=1.0)

    job = bench.launch(train, trials=2)
    assert started.wait(120)
    job.stop_trial(0).wait(120)

    assert job.trials[0].state is TrialState.STOPPED
    assert job.state is JobState.SUCCEEDED
    assert job.view().finished == 2  # a stopped trial uses up no budget


def test_a_paused_job_starts_no_trial_until_it_goes_on(bench: Bench) -> None:
    started, finish = threading.Event(), threading.Event()

    def train(x: float) -> float:
        started.set()
        finish.wait(120)
        return x

    job = bench.launch(train, trials=3)
    assert started.wait(120)
    job.pause()
    finish.set()
    until(lambda: job.view().finished == 1)
    job.wait(0.5)  # a further trial would end at once
    assert (job.state, job.view().finished) == (JobState.PAUSED, 1)

    assert job.resume().wait(120).state is JobState.SUCCEEDED


def test_values_can_be_suggested_as_in_optuna(bench: Bench) -> None:
    def objective(trial: Trial) -> float:
        depth = trial.suggest_int("depth", 1, 3)
        rate = trial.suggest_float("rate", 1e-3, 1e-1, log=True)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        assert trial.suggest_int("depth", 1, 3) == depth
        return depth + rate + (kind == "a")

    job = bench.run(objective, {}, trials=6)

    assert job.state is JobState.SUCCEEDED
    assert len(job.trials) == 6
    assert set(job.best.params) == {"depth", "rate", "kind"}


def test_an_empty_space_is_a_single_run(bench: Bench) -> None:
    job = bench.run(lambda report: report(score=1.0), {}, trials=20)

    assert len(job.trials) == 1
    assert job.state is JobState.SUCCEEDED


def test_a_grid_knows_when_it_is_through(bench: Bench) -> None:
    space = {"a": Int(1, 2), "b": Categorical(["x", "y"]), "c": Int(1, 3, when={"b": "y"})}
    job = bench.run(lambda a, b, c: a + (b == "x") + (c or 0), space, strategy="grid", trials=100)

    points = [tuple(trial.params.values()) for trial in job.trials.values()]
    assert len(points) == len(set(points)) == 2 * (1 + 3)
    assert all((c is None) == (b == "x") for _, b, c in points)
    assert job.view().reason == "every point of the space was tried: 8 trials"


def test_objects_behind_labels_reach_the_code_and_labels_the_store(bench: Bench) -> None:
    got: list[Any] = []

    def use(act: Any) -> float:
        got.append(act)
        return 1.0

    job = bench.run(use, {"act": Categorical({"sine": np.sin, "tanh": np.tanh})}, trials=3)

    assert set(got) <= {np.sin, np.tanh}
    assert {trial.params["act"] for trial in job.trials.values()} <= {"sine", "tanh"}


def test_two_objectives_make_a_front(bench: Bench) -> None:
    def trade(x: float, report: Any) -> None:
        report(score=x, cost=x)

    job = bench.run(trade, minimize="cost", trials=6)

    assert [trial.number for trial in job.pareto] == list(range(6))
    with pytest.raises(Conflict, match=r"job\.pareto"):
        _ = job.best
    x = np.sort([trial.params["x"] for trial in job.trials.values()])
    shares = (x - x[0]) / (x[-1] - x[0])
    # More score costs as much: above a diagonal, in steps
    assert job.hypervolume == pytest.approx(float((np.diff(shares) * (1 - shares[1:])).sum()))
    stored = bench.store.load_job("default", job.name)
    assert stored is not None
    assert StoredReader(bench.store, stored).view().hypervolume == job.hypervolume


def test_enqueued_values_come_next_and_wrong_ones_are_refused(bench: Bench) -> None:
    go = threading.Event()

    def train(x: float) -> float:
        go.wait(120)
        return x

    job = bench.launch(train, trials=3)
    job.enqueue({"x": 0.125})
    with pytest.raises(InvalidSpec):
        job.enqueue({"x": 7.0})
    go.set()
    job.wait(120)

    assert 0.125 in [trial.params["x"] for trial in job.trials.values()]


def test_prints_go_to_the_trials_own_log(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(trial: Trial) -> float:
        print("hello from", trial.number)  # noqa: T201 - what is tested
        return 1.0

    job = bench.run(chatty, trials=2, parallel=2)

    assert [job.trials[number].log.tail() for number in (0, 1)] == ["hello from 0", "hello from 1"]
    assert capsys.readouterr().out == ""


def test_trials_spread_over_gpus_and_fractions_share_one(gpu_bench: Bench) -> None:
    both = threading.Barrier(2, timeout=120)

    def meet(trial: Trial) -> float:
        both.wait()
        return float(trial.devices[0])

    job = gpu_bench.run(meet, trials=2)
    assert {trial.values for trial in job.trials.values()} == {(0.0,), (1.0,)}

    shared = gpu_bench.run(meet, trials=2, gpus=0.5, devices=(1,), name="shared")
    assert [trial.values for trial in shared.trials.values()] == [(1.0,), (1.0,)]
    assert shared.view().parallel == 2


def test_more_gpus_than_there_are_is_refused_at_the_door(gpu_bench: Bench) -> None:
    with pytest.raises(InvalidSpec, match="gpus is 3"):
        gpu_bench.launch(climb, gpus=3)
    assert gpu_bench.manager.jobs() == []


def test_without_a_gpu_a_wish_for_one_is_noted(bench: Bench) -> None:
    assert "no GPU here: trials run on the CPU" in bench.run(climb, trials=1, gpus=1).view().note


def test_a_waiting_job_says_why(gpu_bench: Bench) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    first = gpu_bench.launch(hold, trials=1, gpus=2, name="first")
    until(lambda: first.view().running)
    second = gpu_bench.launch(hold, trials=1, gpus=1, name="second")
    until(lambda: "first" in second.view().reason)
    go.set()

    assert [job.wait(120).state for job in (first, second)] == [JobState.SUCCEEDED] * 2


def test_a_job_that_waits_for_a_device_spends_none_of_its_time(gpu_bench: Bench) -> None:
    go = threading.Event()
    first = gpu_bench.launch(lambda x: float(go.wait(120)) + x, trials=1, gpus=2, name="first")
    until(lambda: first.view().running)
    second = gpu_bench.launch(climb, trials=2, gpus=1, name="second", max_runtime="10m")
    until(lambda: "first" in second.view().reason)
    runner = gpu_bench.manager.runner(second._generation_id)
    assert runner is not None
    let_pass(gpu_bench, 1200)
    until(lambda: runner._next_tick > gpu_bench.wiring.clock.monotonic())
    go.set()

    assert second.wait(120).view().reason == "all trials are done"


def test_a_job_without_a_complete_trial_has_no_best(bench: Bench) -> None:
    go = threading.Event()
    job = bench.launch(lambda x: float(go.wait(120)) + x, trials=1)

    with pytest.raises(NotFound, match="no COMPLETE trial"):
        _ = job.best
    go.set()
    job.wait(120)


def test_an_extended_job_goes_on(bench: Bench) -> None:
    job = bench.run(climb, trials=2, name="longer", prune="off")
    again = bench.run(climb, trials=5, name="longer", prune="off")

    assert again.id == job.id
    assert len(again.trials) == 5
    assert len({trial.params["x"] for trial in again.trials.values()}) == 5


def test_a_float_wide_space_takes_every_scale(bench: Bench) -> None:
    space = {
        "a": Float(1e-6, 1.0, log=True),
        "b": Float(0.5, 0.999, scale="reverse_log"),
        "c": Float(1.0, 100.0, scale="vertex_reverse_log"),
        "d": Float(0.0, 1.0, step=0.25),
    }
    job = bench.run(lambda a, b, c, d: a + b + c + d, space, trials=10)

    for trial in job.trials.values():
        a, b, c, d = (float(value) for value in trial.params.values() if value is not None)
        assert 1e-6 <= a <= 1
        assert 0.5 <= b <= 0.999
        assert 1 <= c <= 100
        assert d in {0.0, 0.25, 0.5, 0.75, 1.0}


def test_what_cannot_be_stored_fails_its_trial_and_not_the_job(bench: Bench) -> None:
    def odd(trial: Trial) -> Any:
        if trial.number == 0:
            raise OSError("no such file: \udcff")
        if trial.number == 1:
            trial.report({0: 1.0})  # type: ignore[dict-item]
        if trial.number == 2:
            trial.report(score=1.0, step=10**400)
        if trial.number == 3:
            trial.infeasible({"why": "a dict"})  # type: ignore[arg-type]
        if trial.number == 4:
            trial.report({"x" * 256: 1.0})
        if trial.number == 6:
            trial.report({"\udcff": 1.0})
        return {"score": 1.0, "\udcff": 1.0} if trial.number == 7 else 1.0

    job = bench.run(odd, trials=8)

    assert job.state is JobState.SUCCEEDED
    kinds = [job.trials[number].kind for number in range(5)]
    assert kinds == [FailureKind.EXCEPTION] * 3 + [FailureKind.INFEASIBLE, FailureKind.EXCEPTION]
    assert [job.trials[number].kind for number in (6, 7)] == [FailureKind.EXCEPTION] * 2
    assert "metric names of 1 to 255" in job.trials[1].reason
    assert "whole number below 2**53" in job.trials[2].reason


def test_a_thread_that_comes_back_late_gives_its_slot_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["astraml_lab.jobs.flights"], "STOP_GRACE", 0.5)
    started, go = threading.Event(), threading.Event()

    def deaf(x: float) -> float:
        started.set()
        go.wait(120)
        return x

    job = bench.launch(deaf, trials=3)
    assert started.wait(120)
    job.stop().wait(120)
    assert job.state is JobState.CANCELLED
    assert "left behind" in job.trials[0].view().notes[-1]
    with pytest.raises(InvalidSpec, match="CPU slot"):
        bench.launch(climb, trials=1)
    go.set()
    for thread in [thread for thread in threading.enumerate() if " trial " in thread.name]:
        thread.join(120)

    assert bench.run(climb, trials=1).state is JobState.SUCCEEDED


def test_a_trial_that_finishes_after_stop_keeps_its_value(bench: Bench) -> None:
    started, go = threading.Event(), threading.Event()

    def last_lap(x: float) -> float:
        started.set()
        go.wait(120)
        return x

    job = bench.launch(last_lap, trials=5)
    assert started.wait(120)
    job.stop()
    go.set()

    assert job.wait(120).state is JobState.CANCELLED
    assert job.trials[0].state is TrialState.COMPLETE
    assert job.best.number == 0


def test_a_stop_that_ended_no_trial_because_the_last_one_finished_anyway_is_a_success(bench: Bench) -> None:
    started, go = threading.Event(), threading.Event()

    def last_lap(x: float) -> float:
        started.set()
        go.wait(120)
        return x

    job = bench.launch(last_lap, trials=1)
    assert started.wait(120)
    job.stop()
    go.set()

    assert (job.wait(120).state, job.view().reason) == (JobState.SUCCEEDED, "done")


def test_no_trial_starts_after_the_last_word(bench: Bench) -> None:
    job = bench.run(lambda trial: float(trial.number), trials=50, target=3)

    assert len(job.trials) == 4


def test_a_returned_value_counts_as_a_report_for_best(bench: Bench) -> None:
    def overfit(trial: Trial) -> float:
        trial.report(score=0.9)
        return 0.5

    assert bench.run(overfit, trials=1, select="best").best.values == (0.9,)


def test_suggestions_with_several_at_once_do_not_spin(bench: Bench) -> None:
    def slow(trial: Trial) -> float:
        threading.Event().wait(3.0)
        return trial.suggest_float("x", 0, 1)

    before = time.process_time()
    job = bench.run(slow, {}, trials=2, parallel=2)

    assert len(job.trials) == 2
    assert time.process_time() - before < 2.0


def test_nobody_waits_for_an_answer_from_a_job_that_has_ended(bench: Bench) -> None:
    job = bench.run(climb, trials=1)
    runner = bench.manager.runner(job._generation_id)
    assert runner is not None
    answer: Future[int] = Future()
    runner.tell(Enqueue({"x": 0.5}, answer))

    with pytest.raises(Conflict, match="has ended"):
        answer.result(120)
