from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.jobs.past import collect, note, past_of
from astraml_lab.search import StudyStorage, Warmed
from astraml_lab.search.proposals import WARM
from astraml_lab.spec import Categorical, Definition, Float, Int, JobSpec, JobState, TrialState, objectives_of

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial


def same(trial: Trial) -> float:
    for step in range(3):
        trial.report(score=trial.params["x"], loss=1.0 / (step + 1))
    return float(trial.params["x"])


def tuning(maximize: str | tuple[()], minimize: str | tuple[()] = ()) -> JobSpec:
    return JobSpec(definitions=(Definition(objectives=objectives_of(maximize, minimize)),))


def warm_in(bench: Bench, job: Job) -> list[str]:
    """Return where the trials come from that a job's search started from, as its journal has them."""
    found = bench.store.load_job(job.project, job.name, job.generation)
    assert found
    storage = StudyStorage(bench.store.journal(bench.store.acquire(found.id, "a reader")))
    (study,) = storage.get_all_studies()
    trials = storage.get_all_trials(study._study_id)
    return [trial.user_attrs[WARM] for trial in trials if WARM in trial.user_attrs]


def test_a_job_starts_from_the_trials_of_another(bench: Bench) -> None:
    bench.run(same, name="digits", trials=5)
    job = bench.run(same, name="second", trials=3, warm_start=("digits",))

    assert job.state is JobState.SUCCEEDED
    assert [view.number for view in job.reader.trials()[1]] == [0, 1, 2]
    assert "starts from 5 trials of digits#1" in job.view().note
    assert "did not fit" not in job.view().note
    assert warm_in(bench, job) == [f"digits#1 trial {number}" for number in range(5)]
    assert len(job.df) == len(job.study.trials) == 3


def test_what_does_not_fit_is_left_out_and_said(bench: Bench) -> None:
    first = bench.run(same, name="digits", trials=6, strategy="random")
    low = sum(float(str(view.params["x"])) < 0.5 for view in first.reader.trials()[1])
    space = {"x": Float(0.5, 2.0)}
    job = bench.run(same, space, name="second", trials=1, warm_start=("digits",))

    said = f"starts from {6 - low} trials of digits#1 ({low} did not fit: x outside 0.5 … 2)"
    assert said in job.view().note
    assert said in bench.manager.store.load_job("default", "second").note  # type: ignore[union-attr]  # it is there


def test_names_are_found_in_other_projects_and_generations(bench: Bench) -> None:
    bench.run(same, name="digits", trials=2, project="vision")
    bench.run(same, {"x": Float(0.0, 3.0)}, name="digits", trials=1, project="vision")
    bench.run(same, name="a/b#1", trials=1)

    found = collect(bench.store, ["vision/Digits#1", "vision/digits", "a/b#1", "a/b#1#1"], "default")
    assert [source.label for source in found] == ["vision/digits#1", "vision/digits#2", "a/b#1#1"]
    assert [source.label for source in collect(bench.store, [" digits#1 "], "vision")] == ["digits#1"]


def test_unknown_names_are_refused_at_once_and_nothing_is_stored(bench: Bench) -> None:
    bench.run(same, name="digits", trials=1)
    with pytest.raises(InvalidSpec) as caught:
        bench.launch(same, name="second", warm_start=("digit", "digits#7", "digits", "nowhere/nothing"))
    problems = caught.value.problems
    assert [problem.path for problem in problems] == ["warm_start"] * 3
    assert [str(problem).split("; ")[1] for problem in problems] == [
        'no such job (did you mean "digits"?)',
        "the job has no such generation",
        "no such job (there are digits, default/digits)",
    ]
    assert bench.store.load_job("default", "second") is None
    spec, code = bench.prepare(same, warm_start=("digit",))
    with pytest.raises(InvalidSpec, match="no such job"):
        bench.manager.preflight(spec, code)


def test_a_refused_warm_start_stops_no_job_that_runs(bench: Bench) -> None:
    def endless(trial: Trial) -> None:
        while not trial.should_stop():
            trial.report(score=1.0)

    first = bench.launch(endless, name="digits", trials=1)
    with pytest.raises(InvalidSpec):
        bench.launch(same, name="digits", replace=True, warm_start=("nothing",))
    assert first.state is JobState.RUNNING


def test_a_changed_search_keeps_what_fits_of_the_generation_before(bench: Bench) -> None:
    bench.run(same, name="digits", trials=4)
    second = bench.run(same, {"x": Float(0.0, 2.0)}, name="digits", trials=2)
    third = bench.run(same, {"x": Float(5.0, 9.0)}, name="digits", trials=1)

    assert "since generation 1: changed the space" in second.view().note
    assert "keeps 4 of 4 trials of generation 1 as warm start" in second.view().note
    assert "keeps none of 2 trials of generation 2 as warm start (2 did not fit: x outside 5 … 9)" in (
        third.view().note
    )
    assert len(warm_in(bench, second)) == 4
    assert warm_in(bench, third) == []


def test_old_values_of_changed_code_are_doubted_aloud(bench: Bench) -> None:
    def other(x: float) -> float:
        return 2 * x

    doubt = "(the code or its data changed: old values may not compare; `--new` starts over)"
    bench.run(same, name="digits", trials=2)
    assert doubt not in bench.run(same, {"x": Float(0.0, 2.0)}, name="digits", trials=2).view().note
    changed = bench.run(other, {"x": Float(0.0, 2.0)}, name="digits", trials=1).view().note
    assert f"keeps 2 of 2 trials of generation 2 as warm start {doubt}" in changed


def test_a_generation_without_results_does_not_hide_the_one_before_it(bench: Bench) -> None:
    def broken(x: float) -> float:
        return x / 0

    bench.run(same, name="digits", trials=3)
    bench.run(broken, name="digits", trials=1)
    third = bench.run(same, {"x": Float(0.0, 2.0)}, name="digits", trials=1)

    assert "keeps 3 of 3 trials of generation 1 as warm start" in third.view().note
    assert collect(bench.store, ["digits"], "default")[0].label == "digits#3"


def test_starting_over_keeps_nothing(bench: Bench) -> None:
    bench.run(same, name="digits", trials=3)
    again = bench.run(same, name="digits", trials=1, new=True)
    assert "started over" in again.view().note
    assert "keeps" not in again.view().note
    assert warm_in(bench, again) == []


def test_a_single_run_has_nothing_to_keep_and_says_nothing(bench: Bench) -> None:
    bench.run(lambda: 1.0, {}, name="run", trials=1, maximize=())
    again = bench.run(lambda: 2.0, {}, name="run", trials=1, maximize=())
    assert again.generation == 2
    assert "keeps" not in again.view().note


def test_named_jobs_and_the_generation_before_go_together(bench: Bench) -> None:
    bench.run(same, name="digits", trials=2)
    bench.run(same, name="other", trials=1)
    job = bench.run(same, {"x": Float(0.0, 2.0)}, name="digits", trials=1, warm_start=("other", "digits"))
    assert "starts from 3 trials of other#1, digits#1" in job.view().note


def test_a_warm_start_that_comes_too_late_is_said_with_what_helps(bench: Bench) -> None:
    bench.run(same, name="old", trials=3)
    bench.run(same, name="digits", trials=2)
    late = "it had begun before --warm-start old was asked for"
    shown = bench.launch(same, name="digits", trials=2, warm_start=("old",))
    assert shown.said.endswith(f". I{late[1:]}; `--new` starts over.")
    assert late in bench.run(same, name="digits", trials=3, warm_start=("old",)).view().note

    again = bench.run(same, name="digits", trials=2, warm_start=("old",), new=True)
    assert bench.launch(same, name="digits", trials=2, warm_start=("Old",)).said == ""
    assert len(warm_in(bench, again)) == 3


def test_a_resumed_job_keeps_its_warm_trials_and_takes_no_more(bench: Bench) -> None:
    bench.run(same, name="digits", trials=3)
    bench.run(same, name="second", trials=1, warm_start=("digits",))
    again = bench.run(same, name="second", trials=2, warm_start=("digits",))

    assert again.generation == 1
    assert "went on after 1 finished trial" in again.view().note
    assert "starts from" not in again.view().note
    assert len(warm_in(bench, again)) == 3
    assert [view.number for view in again.reader.trials()[1]] == [0, 1]


def test_a_job_without_finished_trials_is_said_and_no_mistake(bench: Bench) -> None:
    def broken(x: float) -> float:
        return x / 0

    bench.run(broken, name="digits", trials=1)
    job = bench.run(same, name="second", trials=1, warm_start=("digits",))
    assert "digits#1: no finished trial to start from" in job.view().note


def test_another_metric_may_be_the_objective_in_another_direction(bench: Bench) -> None:
    bench.run(same, name="digits", trials=3)
    found = collect(bench.store, ["digits"], "default")[0]
    (first, *_) = past_of(bench.store, found, tuning((), "loss"))
    assert first.values == (1.0 / 3,)
    assert first.source == "digits#1 trial 0"
    both = past_of(bench.store, found, tuning("loss", "score"))[0]
    assert both.values == (1.0 / 3, both.params["x"])
    assert past_of(bench.store, found, tuning("f1"))[0].values is None
    job = bench.run(same, name="second", trials=1, maximize="f1", warm_start=("digits",))
    assert "starts from no trials of digits#1 (3 did not fit: without f1)" in job.view().note


def slow_where_good(trial: Trial) -> None:
    trial.report(score=trial.params["x"], latency=40 * trial.params["x"])


def test_it_starts_at_the_best_within_a_limit_that_the_other_job_did_not_have(bench: Bench) -> None:
    first = bench.run(slow_where_good, name="digits", trials=8, strategy="random", seed=3)
    limit = ("latency <= 16",)
    second = bench.run(slow_where_good, name="second", trials=1, warm_start=("digits",), subject_to=limit)
    within = [value for view in first.reader.trials()[1] if (value := float(str(view.params["x"]))) <= 0.4]
    assert second.best.params["x"] == max(within)
    assert second.why(0) == "initial design: the best of digits#1"

    unmeasured = ("memory <= 1",)
    third = bench.run(slow_where_good, name="third", trials=1, warm_start=("digits",), subject_to=unmeasured)
    assert third.trials[0].params["x"] == first.best.params["x"]
    assert "starts from 8 trials of digits#1 (none of them measured memory)" in third.view().note


def test_a_sampler_that_has_to_know_the_limits_of_all_leaves_out_what_is_not_known(bench: Bench) -> None:
    def now_and_then(trial: Trial) -> None:
        latency = {"latency": 1.0} if trial.number % 2 else {}
        trial.report({"score": trial.params["x"], **latency})

    bench.run(now_and_then, name="digits", trials=4)
    limit = ("latency <= 2",)
    job = bench.run(slow_where_good, name="second", strategy="gp", warm_start=("digits",), subject_to=limit)
    assert job.state is JobState.SUCCEEDED, job.view().reason
    assert "starts from 2 trials of digits#1 (2 did not fit: not known to keep to the limits" in (
        job.view().note
    )


def test_a_strategy_that_learns_from_no_trial_says_so(bench: Bench) -> None:
    bench.run(same, name="digits", trials=2)
    job = bench.run(same, name="second", trials=1, strategy="random", warm_start=("digits",))
    assert "starts from 2 trials of digits#1, which random does not learn from" in job.view().note


def test_another_limit_leaves_old_values_what_they_are(bench: Bench) -> None:
    bench.run(slow_where_good, name="digits", trials=4)
    again = bench.run(slow_where_good, name="digits", trials=5, subject_to=("latency <= 20",))
    assert again.generation == 2
    assert "keeps 4 of 4 trials of generation 1 as warm start" in again.view().note
    assert "may not compare" not in again.view().note


def test_inactive_parameters_do_not_pass_for_choices(bench: Bench) -> None:
    def tree(kind: str, depth: int | None) -> float:
        return float(depth or 0) + (kind == "b")

    space = {"kind": Categorical(["a", "b"]), "depth": Int(1, 3, when={"kind": "a"})}
    bench.run(tree, space, name="digits", trials=8, strategy="random")
    found = collect(bench.store, ["digits"], "default")[0]
    for one in past_of(bench.store, found, tuning("score")):
        assert ("depth" in one.params) is (one.params["kind"] == "a")


def test_pruned_trials_come_with_their_curves(bench: Bench) -> None:
    def worse(trial: Trial) -> None:
        for step in range(5):
            trial.report(score=-float(trial.number) * (step + 1))

    job = bench.run(worse, name="digits", trials=12, prune="median", parallel=1)
    pruned = [view for view in job.reader.trials()[1] if view.state is TrialState.PRUNED]
    assert pruned
    found = collect(bench.store, ["digits"], "default")[0]
    past: Any = {one.source.split()[-1]: one for one in past_of(bench.store, found, tuning("score"))}
    for view in pruned:
        one = past[str(view.number)]
        assert one.state is TrialState.PRUNED
        assert one.curve[-1][1] == view.metrics["score"]
    other = past_of(bench.store, found, tuning((), "score"))
    assert not any(one.curve for one in other)
    again = bench.run(worse, name="second", trials=1, warm_start=("digits",))
    assert "starts from 12 trials" in again.view().note


def test_a_note_says_how_many_and_why_not() -> None:
    assert note(Warmed(1), ["digits#1"]) == "starts from 1 trial of digits#1"
    assert note(Warmed(0), ["digits#1"]) == "digits#1: no finished trial to start from"
    reasons = {"lr outside 0.001 … 0.1": 3, "without width": 2, "failed": 1, "pruned": 1}
    assert note(Warmed(12, reasons), ["digits#1", "vision/mnist#2"]) == (
        "starts from 12 trials of digits#1, vision/mnist#2 "
        "(7 did not fit: 3 lr outside 0.001 … 0.1, 2 without width, 1 failed, …)"
    )
