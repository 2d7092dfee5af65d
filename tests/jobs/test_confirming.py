"""`--confirm`: the best trials run once more, with other seeds, before a winner is named."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.jobs import controls, events
from astraml_lab.jobs.planning import make_plan
from astraml_lab.spec import Categorical, Float, JobState, TrialState
from astraml_lab.store import Control

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

VALUES = [0.7, 0.9, 0.1, 0.8, 0.5, 0.86, 0.7]
"""Of four trials, and of what confirms the best three of them: trials 1, 3 and 0."""


def scripted(values: list[float]) -> Callable[[Trial], float]:
    """Return a function whose trials have these values, by number."""
    return lambda trial: values[trial.number]


def confirmed(job: Job) -> dict[int, int | None]:
    """Return which trial confirms which."""
    return {
        number: trial.view().confirms
        for number, trial in job.trials.items()
        if trial.view().confirms is not None
    }


class Gate:
    """Holds the trials of some numbers until it is opened."""

    def __init__(self, held: set[int], values: list[float]) -> None:
        self.held = held
        self.values = values
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, trial: Trial) -> float:
        if trial.number in self.held:
            self.entered.set()
            while not self.open.wait(0.01):
                trial.report(score=0.0)
        return self.values[trial.number]


@pytest.fixture
def in_the_notebook(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Trial], float]], Any]:
    """Return what defines a function where an ended job finds it again."""

    def define(does: Callable[[Trial], float]) -> Callable[[Trial], float]:
        def train(trial: Trial) -> float:
            return does(trial)

        monkeypatch.setattr("__main__.train", train, raising=False)
        return train

    return define


def test_the_best_run_once_more_and_the_best_mean_wins(bench: Bench) -> None:
    job = bench.run(scripted(VALUES), name="digits", confirm=3)

    assert confirmed(job) == {4: 1, 5: 3, 6: 0}
    assert job.best.number == 3
    view = job.view()
    assert view.best_value == pytest.approx(0.83)
    assert view.confirmed is not None
    assert str(view.confirmed) == "mean of 2 runs, ± 0.03; 0.8 alone"
    assert view.reason == "all trials are done; the best 3 ran once more: trial 3, not 1, is the best"
    assert repr(job).count("best score 0.83 (trial 3: mean of 2 runs, ± 0.03; 0.8 alone)") == 1


def test_the_runs_use_up_no_budget_and_say_whose_they_are(bench: Bench) -> None:
    job = bench.run(scripted(VALUES), name="digits", confirm=3)

    view = job.view()
    assert (view.finished, view.trials, len(job.trials)) == (4, 4, 7)
    first, again = job.trials[1].view(), job.trials[4].view()
    assert again.params == first.params
    assert again.seed != first.seed
    assert again.reason == "confirms trial 1"
    assert job.why(4) == "confirms trial 1: the same parameters with another seed, never pruned"
    table = job.df
    assert table.loc[[4, 5, 6], "confirms"].tolist() == [1, 3, 0]
    assert table.loc[[1, 3, 0], "mean_of_runs"].tolist() == pytest.approx([0.7, 0.83, 0.7])
    assert table.loc[[2, 4, 5, 6], "mean_of_runs"].isna().all()


def test_the_store_tells_the_same_as_the_runner(bench: Bench, home: Path) -> None:
    job = bench.run(scripted(VALUES), name="digits", confirm=3)
    live = job.view()
    bench.manager.close()

    from plugins.jobs import Bench as Again

    other = Again(home)
    stored = other.manager.find("digits").view()
    other.close()
    told = ("best", "best_value", "confirmed", "confirming", "finished", "counts", "reason")
    assert {name: getattr(stored, name) for name in told} == {name: getattr(live, name) for name in told}


def test_the_same_seed_confirms_with_the_same_seeds(bench: Bench) -> None:
    first, second = (bench.run(scripted(VALUES), name=name, confirm=3) for name in ("one", "two"))

    assert [trial.view().seed for trial in first.trials.values()] == [
        trial.view().seed for trial in second.trials.values()
    ]


def test_a_run_that_confirms_is_not_pruned_but_ends_by_patience_as_the_others_do(bench: Bench) -> None:
    ran: dict[int, int] = {}

    def train(trial: Trial) -> None:
        for step in range(20):
            ran[trial.number] = step + 1
            trial.report(score=-1.0 if trial.number >= 8 else 1.0 + trial.number)

    job = bench.run(train, name="digits", trials=8, confirm=1, prune="median", patience=6)

    assert confirmed(job) == {8: 7}
    assert ran[8] == ran[7] == 7
    assert job.trials[8].state is TrialState.COMPLETE
    assert job.trials[8].view().reason.startswith("confirms trial 7; ended at step 7: ")


def test_a_run_that_fails_neither_fails_the_job_nor_lets_its_trial_win(bench: Bench) -> None:
    def train(trial: Trial) -> float:
        if trial.number == 4:
            raise RuntimeError("bad luck")
        return VALUES[trial.number]

    job = bench.run(train, name="digits", confirm=3, max_failures=1)

    assert job.state is JobState.SUCCEEDED
    assert job.trials[4].view().reason.startswith("confirms trial 1; RuntimeError")
    assert job.best.number == 3
    assert job.view().reason.endswith("2 of the best 3 ran once more: trial 3, not 1, is the best")


def limited(again: list[float]) -> Callable[[Trial], dict[str, float]]:
    """Return a function whose trials beyond the fourth take so long; the others 0.1."""
    return lambda trial: {
        "score": VALUES[trial.number],
        "lat": 0.1 if trial.number < 4 else again[trial.number - 4],
    }


@pytest.mark.parametrize(
    ("again", "best", "said"),
    [
        (
            [0.9, 0.1, 0.1],
            3,
            "the best 3 ran once more, 1 of them broke a limit: trial 3, not 1, is the best",
        ),
        ([0.1, 0.9, 0.1], 1, "the best 3 ran once more, 1 of them broke a limit: trial 1 stays the best"),
        ([0.9] * 3, 1, "the best 3 ran once more, 3 of them broke a limit: trial 1 stays the best"),
        ([0.9], 1, "the best trial ran once more and broke a limit: trial 1 stays the best"),
    ],
)
def test_a_run_that_breaks_a_limit_is_counted_and_told(
    bench: Bench, again: list[float], best: int, said: str
) -> None:
    job = bench.run(limited(again), name="digits", confirm=len(again), subject_to="lat <= 0.5")

    assert (job.best.number, job.view().reason) == (best, f"all trials are done; {said}")
    broken = next(number for number, lat in enumerate(again, 4) if lat > 0.5)
    of = job.trials[broken].view().confirms
    why = f"confirms trial {of}; lat 0.9 is not at most 0.5, which counts against trial {of}"
    assert job.trials[broken].reason == job.df.loc[broken, "reason"] == why


def test_where_no_run_succeeds_the_best_stays_what_it_was(bench: Bench) -> None:
    def train(trial: Trial) -> float:
        return VALUES[trial.number] if trial.number < 4 else float("nan")

    job = bench.run(train, name="digits", confirm=2)

    assert job.state is JobState.SUCCEEDED
    assert (job.best.number, job.view().best_value, job.view().confirmed) == (1, 0.9, None)
    assert job.view().reason == "all trials are done; the best 2 did not run once more"


def test_a_code_with_a_seed_of_its_own_is_told(bench: Bench) -> None:
    job = bench.run(lambda x: x, name="digits", confirm=2)

    said = "each gave the same value again: does the code set a seed of its own?"
    assert job.view().reason.endswith(said)


def test_a_target_stops_the_search_and_then_the_best_run_once_more(bench: Bench) -> None:
    gate = Gate({0}, [0.5, 0.95, *[0.9] * 50])
    job = bench.launch(gate, name="digits", trials=50, parallel=2, target=0.94, confirm=1).wait(120)

    assert job.trials[0].state is TrialState.STOPPED
    assert list(confirmed(job).values()) == [1]
    assert job.view().reason.startswith("target reached")
    assert job.state is JobState.SUCCEEDED


def test_a_job_that_somebody_stops_confirms_nothing(bench: Bench) -> None:
    gate = Gate({2}, VALUES)
    job = bench.launch(gate, name="digits", confirm=2)
    assert gate.entered.wait(120)
    job.stop().wait(120)

    assert job.state is JobState.CANCELLED
    assert confirmed(job) == {}
    assert job.view().reason == "stopped by you"


def test_a_job_out_of_time_confirms_nothing(bench: Bench) -> None:
    gate = Gate({1}, VALUES)
    job = bench.launch(gate, name="digits", confirm=2, max_runtime=0.2).wait(120)

    assert job.view().reason == "out of time: 0.2 s; the best trial did not run once more"
    assert confirmed(job) == {}


def test_stopped_while_it_confirms_it_goes_on_with_what_is_left(
    bench: Bench, in_the_notebook: Callable[[Callable[[Trial], float]], Any]
) -> None:
    gate = Gate({5}, [*VALUES, 0.7, 0.7])
    job = bench.launch(in_the_notebook(gate), name="digits", confirm=3)
    assert gate.entered.wait(120)
    assert job.view().reason == "all trials are done; the best 3 run once more, with other seeds"
    job.stop().wait(120)
    assert job.state is JobState.CANCELLED
    assert job.view().reason == "stopped by you; 1 of the best 3 ran once more: trial 3, not 1, is the best"

    gate.open.set()
    job.resume()
    assert job.wait(120).state is JobState.SUCCEEDED
    assert confirmed(job) == {4: 1, 5: 3, 6: 3, 7: 0}
    assert job.trials[5].state is TrialState.STOPPED


def test_a_trial_that_somebody_stops_is_not_started_again(bench: Bench) -> None:
    gate = Gate({4}, VALUES)
    job = bench.launch(gate, name="digits", confirm=2)
    assert gate.entered.wait(120)
    job.stop_trial(4).wait(120)

    assert job.state is JobState.SUCCEEDED
    assert confirmed(job) == {4: 1, 5: 3}


def test_an_ended_job_confirms_its_best_when_asked_and_none_twice(
    bench: Bench, in_the_notebook: Callable[[Callable[[Trial], float]], Any]
) -> None:
    job = bench.run(in_the_notebook(scripted(VALUES)), name="digits")
    assert job.best.number == 1

    job.resume(confirm=1)
    assert job.wait(120).state is JobState.SUCCEEDED
    assert confirmed(job) == {4: 1}
    job.resume(confirm=2)
    job.wait(120)
    assert confirmed(job) == {4: 1, 5: 3}
    assert job.best.number == 3
    assert job.view().trials == 4


def test_the_same_cell_with_confirm_goes_on_and_without_news_does_not(bench: Bench) -> None:
    does = scripted([*VALUES, *VALUES])
    job = bench.run(does, name="digits")
    spec, code = bench.prepare(does, name="digits", confirm=3)
    for _ in range(2):
        assert bench.manager.launch(spec, code, attended=True).wait(120).state is JobState.SUCCEEDED
        assert confirmed(job) == {4: 1, 5: 3, 6: 0}


def test_a_job_that_is_extended_confirms_who_is_new_among_the_best(bench: Bench) -> None:
    values = [*VALUES, 0.95, 0.2, 0.75]
    bench.run(scripted(values), name="digits", confirm=3)
    job = bench.run(scripted(values), name="digits", confirm=3, trials=6)

    assert confirmed(job) == {4: 1, 5: 3, 6: 0, 9: 7}
    assert job.best.number == 7
    assert (job.view().finished, job.view().trials) == (6, 6)


def test_more_trials_asked_for_meanwhile_are_searched_first(bench: Bench) -> None:
    gate = Gate({4}, [*VALUES[:4], 0.5, 0.95, 0.3, 0.9, 0.8])
    job = bench.launch(gate, name="digits", confirm=2, parallel=1)
    assert gate.entered.wait(120)
    job.extend(6)
    gate.open.set()

    assert job.wait(120).state is JobState.SUCCEEDED
    assert confirmed(job) == {4: 1, 7: 5}
    assert job.view().finished == 6


def test_a_running_job_is_asked_to_confirm_also_from_another_kernel(bench: Bench) -> None:
    gate = Gate({3}, VALUES)
    job = bench.launch(gate, name="digits")
    assert gate.entered.wait(120)
    command, argument = controls.row_of(events.Confirm(1))
    read = controls.event_of(Control(command, argument, 0.0))
    runner = bench.manager.runner(job._generation_id)
    assert runner is not None
    assert isinstance(read, events.Confirm)
    runner.tell(read)
    gate.open.set()

    assert confirmed(job.wait(120)) == {4: 1}


def test_points_that_wait_behind_a_target_are_not_taken_for_it(bench: Bench) -> None:
    gate = Gate({0}, [0.95, 0.9])
    job = bench.launch(gate, name="digits", trials=9, target=0.9, confirm=1, parallel=1)
    assert gate.entered.wait(120)
    job.enqueue({"x": 0.125})
    gate.open.set()

    job.wait(120)
    assert len(job.trials) == 2
    assert confirmed(job)[max(confirmed(job))] == 0
    assert job.trials[max(confirmed(job))].params == job.trials[0].params
    assert job.view().reason.endswith("1 enqueued point was not tried")


def test_a_grid_a_choice_of_none_and_what_the_code_suggests_run_once_more_as_they_were(bench: Bench) -> None:
    def float_of(a: int) -> float:
        return float(a)

    def train(trial: Trial) -> float:
        low = trial.suggest_float("low", 0.0, 1.0)
        return low + float(trial.number)

    grid = bench.run(
        float_of, {"a": Categorical([1, 2, 3])}, name="grid", strategy="grid", trials=9, confirm=2
    )
    assert [trial.params["a"] for trial in list(grid.trials.values())[3:]] == [3, 2]
    assert grid.view().reason.startswith("every point of the space was tried: 3 trials; the best 2 ran")

    own = bench.run(train, {}, name="own", trials=3, confirm=1)
    assert own.trials[3].params == own.trials[2].params != own.trials[1].params

    space = {"kind": Categorical(["a", None]), "x": Float(0, 1, when={"kind": "a"})}
    odd = bench.run(lambda **params: params["x"] or 0.5, space, name="odd", trials=6, confirm=6)
    for number, first in confirmed(odd).items():
        assert odd.trials[number].params == odd.trials[first or 0].params


def test_a_single_run_is_confirmed_by_a_second_one(bench: Bench) -> None:
    job = bench.run(scripted([0.5, 0.7]), {}, name="single", confirm=3)

    assert confirmed(job) == {1: 0}
    assert job.view().best_value == pytest.approx(0.6)


@pytest.mark.parametrize("goals", [{"maximize": ("a", "b")}, {"maximize": (), "minimize": ()}])
def test_confirm_goes_with_exactly_one_objective(bench: Bench, goals: dict[str, Any]) -> None:
    space: dict[str, Any] | None = {} if not goals["maximize"] else None
    with pytest.raises(InvalidSpec, match="confirm is 2; goes with exactly one objective"):
        bench.prepare(lambda: 0.0, space, confirm=2, **goals)

    job = bench.run(lambda **_params: dict.fromkeys("ab", 0.5), space, name="two", **goals)
    with pytest.raises(InvalidSpec, match="goes with exactly one objective"):
        job.resume(confirm=2)


def test_the_checkpoints_of_all_that_may_win_are_kept(bench: Bench) -> None:
    def train(trial: Trial) -> float:
        (trial.checkpoint_dir / "state").write_text("kept")
        return VALUES[trial.number]

    job = bench.run(train, name="digits", confirm=3, keep_checkpoints="best:1")

    kept = {number for number, trial in job.trials.items() if (trial.checkpoint_dir / "state").exists()}
    assert kept == {0, 1, 3}


def test_the_search_learns_of_them_and_numbers_go_on(bench: Bench) -> None:
    job = bench.run(scripted(VALUES), name="digits", confirm=3)

    study = job.study
    assert [trial.number for trial in study.trials] == list(range(7))
    assert study.trials[4].params == study.trials[1].params
    assert study.trials[4].value == 0.5


CHILD = """
import os, sys, threading
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench

VALUES = {values!r}

def train(trial):
    if trial.number == 5:
        os.write(1, b"confirms\\n")
        threading.Event().wait()
    return VALUES[trial.number]

bench = Bench(Path({home!r}))
bench.launch(train, name="killed", confirm=3).wait()
"""


@pytest.mark.slow
def test_a_kernel_killed_while_it_confirms_loses_nothing_and_the_rest_is_run(
    bench: Bench, home: Path
) -> None:
    script = CHILD.format(tests=str(Path(__file__).parents[1]), home=str(home), values=VALUES)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "confirms\n"
        child.kill()

    found = bench.store.load_job("default", "killed")
    assert found is not None
    assert found.state is JobState.STALE
    spec, code = bench.prepare(scripted(VALUES), name="killed", confirm=3)
    job = bench.manager._resume(found, make_plan(spec, code, bench.pool)).wait(120)

    assert job.state is JobState.SUCCEEDED
    assert confirmed(job) == {4: 1, 5: 3, 6: 0}
    assert [job.trials[number].view().attempt for number in (4, 5, 6)] == [1, 2, 1]
    assert job.best.number == 3
