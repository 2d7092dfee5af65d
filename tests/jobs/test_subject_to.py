"""`--subject-to`: the best trial is the best that keeps to the constraints; the others say why not."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.jobs import Manager
from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import Float, Int, JobState, TrialState
from astraml_lab.ui.text import progress_line

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

MS = [30.0, 12.0, 25.0, 19.0]


def train(trial: Trial) -> None:
    """Report that the slower the better."""
    ms = MS[trial.number % len(MS)]
    trial.report(score=ms, ms=ms)


def stored(bench: Bench, job: Job) -> StoredReader:
    found = bench.store.load_job("default", job.name)
    assert found is not None
    return StoredReader(bench.store, found)


def test_the_best_is_the_best_that_keeps_to_them_and_the_others_say_why(bench: Bench) -> None:
    job = bench.run(train, subject_to="ms <= 20", name="digits")
    assert job.best.number == 3
    said = "ms 30 is not at most 20, so it is never the best"
    assert job.trials[0].view().notes == (said,)
    assert job.df["reason"].tolist() == [said, "", said.replace("30", "25"), ""]
    assert [trial.reason for trial in job.trials.values()] == job.df["reason"].tolist()
    assert repr(job.trials[0]).endswith(said)
    for view in (job.view(), stored(bench, job).view()):
        assert (view.best, view.violating) == ((3,), (0, 2))
    assert job.view().reason == "all trials are done"
    assert [trial.constraints for trial in job.study.trials] == [{"0 ms": ms - 20} for ms in MS]
    assert job.study.best_trial.number == 3


def test_a_trial_that_ended_itself_says_both_that_and_what_it_violates(bench: Bench) -> None:
    def flat(trial: Trial) -> None:
        for _ in range(9):
            trial.report(score=1.0, ms=30.0)

    job = bench.run(flat, subject_to="ms <= 20", trials=1, patience=2)
    ended, broken = job.trials[0].reason.split("; ")
    assert ended.startswith("ended at step 3")
    assert broken == "ms 30 is not at most 20, so it is never the best"
    assert job.df.loc[0, "reason"] == job.trials[0].reason


def test_a_job_without_a_trial_that_keeps_to_them_says_so(bench: Bench) -> None:
    job = bench.run(train, subject_to=["ms <= 10", "score >= 5"], name="digits")
    view = job.view()
    assert (view.best, view.best_value, view.state) == ((), None, JobState.SUCCEEDED)
    assert view.reason == "all trials are done; no trial keeps to ms <= 10 and score >= 5"
    assert stored(bench, job).view().reason == view.reason
    with pytest.raises(NotFound, match="no best trial: no trial keeps to ms <= 10 and score >= 5"):
        _ = job.best
    assert progress_line(view, (), 0.0).count("no trial keeps to") == 1


def test_a_metric_that_is_not_reported_is_violated_and_told_once(bench: Bench) -> None:
    job = bench.run(train, subject_to=["mss <= 20", "ms >= 0"])
    view = job.view()
    assert view.violating == (0, 1, 2, 3)
    assert job.trials[1].view().notes == (
        "mss was not reported, which has to be at most 20, so it is never the best",
    )
    said = '--subject-to: mss (did you mean "ms"?) was not reported; a trial without it counts as violating'
    assert view.note.count(said) == 1


def test_a_preflight_refuses_a_metric_that_was_not_reported(bench: Bench) -> None:
    def once(trial: Trial) -> dict[str, float]:
        return {"score": trial.number, "ms": 1.0}

    spec, code = bench.prepare(once, subject_to="mss <= 20")
    with pytest.raises(InvalidSpec, match=r'subject_to; mss \(did you mean "ms"\?\) was not reported'):
        bench.manager.preflight(spec, code)
    spec, code = bench.prepare(once, subject_to="ms <= 20")
    assert bench.manager.preflight(spec, code).metrics["ms"] == 1.0


def test_a_preflight_that_is_cut_short_says_what_was_not_reported_by_then(bench: Bench) -> None:
    spec, code = bench.prepare(train, subject_to="mss <= 20")
    found = bench.manager.preflight(spec, code)
    assert not found.finished
    said = 'mss (did you mean "ms"?) was not reported by then; a trial without it counts as violating.'
    assert f"\n--subject-to: {said}" in str(found)
    spec, code = bench.prepare(train, subject_to="ms <= 20")
    assert "--subject-to" not in str(bench.manager.preflight(spec, code))


def test_a_job_that_goes_on_after_a_restart_keeps_its_constraints(bench: Bench) -> None:
    job = bench.run(train, subject_to="ms <= 20", name="digits")
    bench.manager.close(5)
    again = Manager(bench.store, bench.wiring, owner="another kernel")
    try:
        spec, code = bench.prepare(train, subject_to="ms <= 20", name="digits", trials=8)
        after = again.launch(spec, code, attended=True).wait(120)
        assert len(after.trials) == 8
        assert after.spec.subject_to == job.spec.subject_to
        assert after.view().violating == (0, 2, 4, 6)
        assert after.best.number == 3
    finally:
        again.close(5)


def test_other_constraints_are_another_search(bench: Bench) -> None:
    first = bench.run(train, subject_to=["ms <= 20", "score >= 0"], name="digits")
    same = bench.run(train, subject_to=["score >= 0", "ms <= 20.0"], name="digits")
    assert same.view().generation == first.view().generation == 1
    other = bench.run(train, subject_to="ms <= 26", name="digits")
    assert other.view().generation == 2
    assert "changed the constraints" in other.view().note
    assert other.best.number == 2
    assert bench.run(train, name="digits").view().generation == 3


def test_a_front_and_its_volume_are_of_the_trials_that_keep_to_them(bench: Bench) -> None:
    def two(trial: Trial) -> None:
        value = float(trial.number)
        trial.report(score=value, loss=value, ms=value)

    options: dict[str, Any] = {"maximize": "score", "minimize": "loss", "trials": 5, "prune": "off"}
    job = bench.run(two, subject_to="ms >= 2", **options)
    assert job.view().best == (2, 3, 4)
    assert job.view().violating == (0, 1)
    rest = bench.run(two, subject_to="ms >= 4", **options)
    assert (rest.view().best, rest.hypervolume) == ((4,), None), "one point makes no box"


def test_the_best_checkpoints_are_those_of_trials_that_keep_to_them(bench: Bench) -> None:
    def save(trial: Trial) -> None:
        (trial.checkpoint_dir / "weights.bin").write_bytes(b"w")
        train(trial)

    job = bench.run(save, subject_to="ms <= 20", keep_checkpoints="best:1")
    kept = [n for n, trial in job.trials.items() if (trial.checkpoint_dir / "weights.bin").exists()]
    assert kept == [3]


def test_what_violates_is_not_confirmed_and_reaches_no_target(bench: Bench) -> None:
    job = bench.run(train, subject_to="ms <= 20", target=24, confirm=1)
    again = [view.confirms for view in job.reader.trials()[1] if view.confirms is not None]
    assert again == [3]


def test_the_front_door_takes_a_text_or_several() -> None:
    def quick(x: float) -> dict[str, float]:
        return {"loss": x, "ms": 100 * x}

    space = {"x": Float(0.0, 1.0)}
    for given in ("ms >= 50", ["ms >= 50", "loss <= 1"]):
        job = lab.tune(quick, space, minimize="loss", trials=6, seed=0, subject_to=given, wait=True)
        fine = [view.values[0] for view in job.reader.trials()[1] if view.values and view.values[0] >= 0.5]
        assert job.best.view().values == (min(fine),)
    with pytest.raises(InvalidSpec, match=r'subject_to\[0\] is "ms > 50"; .* \(ms >= 50\)'):
        lab.tune(quick, space, minimize="loss", subject_to="ms > 50")
    with pytest.raises(InvalidSpec, match='did you mean "subject_to"'):
        lab.tune(quick, space, minimize="loss", constraints="ms >= 50")


def test_the_search_looks_where_the_constraint_is_kept(bench: Bench) -> None:
    def most(x: int) -> dict[str, float]:
        return {"score": x, "ms": x}

    job = bench.run(most, {"x": Int(0, 1000)}, trials=30, subject_to="ms <= 300", parallel=1)
    values = [view.values[0] for view in job.reader.trials()[1] if view.values]
    assert sum(value <= 300 for value in values[15:]) >= 8, values
    assert max(value for value in values if value <= 300) > 250, values


def test_a_strategy_that_does_not_heed_them_says_so_once_and_in_our_words(bench: Bench) -> None:
    def most(x: float) -> dict[str, float]:
        return {"score": x, "ms": x}

    space = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}
    options: dict[str, Any] = {"strategy": "cmaes", "parallel": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = bench.run(lambda x, y: most(x + y), space, trials=6, subject_to="ms <= 0.9", **options)
    said = "cmaes does not heed --subject-to while it searches; auto, tpe, gp and nsga2 do"
    assert job.view().note.count(said) == 1
    assert job.view().state is JobState.SUCCEEDED
    assert said not in bench.run(lambda x, y: most(x + y), space, trials=1, **options).view().note


@pytest.mark.parametrize("prune", ["auto", "median", "asha"])
def test_what_violates_gives_up_no_trial_that_keeps_to_them(bench: Bench, prune: str) -> None:
    """The larger the better and the slower: without the constraint all but the first are given up."""

    def grow(trial: Trial) -> None:
        large = trial.number < 8
        for step in range(1, 21):
            trial.report(
                score=(2 if large else 1) * step + trial.number / 100, ms=30 if large else 10, step=step
            )

    options: dict[str, Any] = {"trials": 10, "parallel": 1, "strategy": "random", "prune": prune}
    job = bench.run(grow, name="digits", subject_to="ms <= 20", **options)
    assert [view.state for view in job.reader.trials()[1][8:]] == [TrialState.COMPLETE] * 2
    assert job.best.number == 9
    free = bench.run(grow, name="free", **options)
    assert [view.state for view in free.reader.trials()[1][8:]] == [TrialState.PRUNED] * 2


def test_a_restarted_job_does_not_prune_by_what_violates_either(bench: Bench) -> None:
    def grow(trial: Trial) -> None:
        large = trial.number < 8
        for step in range(1, 21):
            trial.report(score=(2 if large else 1) * step, ms=30 if large else 10, step=step)

    options: dict[str, Any] = {"parallel": 1, "strategy": "random", "prune": "median", "name": "digits"}
    bench.run(grow, trials=8, subject_to="ms <= 20", **options)
    bench.manager.close(5)
    again = Manager(bench.store, bench.wiring, owner="another kernel")
    try:
        spec, code = bench.prepare(grow, trials=10, subject_to="ms <= 20", **options)
        job = again.launch(spec, code, attended=True).wait(120)
        assert [view.state for view in job.reader.trials()[1][8:]] == [TrialState.COMPLETE] * 2
    finally:
        again.close(5)


def test_a_front_that_violates_gives_up_no_trial_that_keeps_to_them(bench: Bench) -> None:
    def grow(trial: Trial) -> None:
        large = trial.number < 8
        for step in range(1, 21):
            trial.report(
                score=(2 if large else 1) * step,
                loss=1.0 if large else 2.0,
                ms=30 if large else 10,
                step=step,
            )

    options: dict[str, Any] = {"minimize": "loss", "trials": 10, "parallel": 1, "strategy": "random"}
    job = bench.run(grow, name="digits", subject_to="ms <= 20", **options)
    assert [view.state for view in job.reader.trials()[1][8:]] == [TrialState.COMPLETE] * 2
    free = bench.run(grow, name="free", **options)
    assert [view.state for view in free.reader.trials()[1][8:]] == [TrialState.PRUNED] * 2
