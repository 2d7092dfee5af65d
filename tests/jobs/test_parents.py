"""Warm starts as SageMaker has them: parents that fixed what the child tunes, and parents of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.jobs.parents import adapted, ranked
from astraml_lab.jobs.past import collect, past_of
from astraml_lab.search import Past, Searcher
from astraml_lab.spec import JobSpec, TrialState, validate

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


def values(past: tuple[Past, ...]) -> list[tuple[float, ...] | None]:
    return [one.values for one in past]


def test_an_objective_of_another_kind_counts_by_its_rank_within_its_parent() -> None:
    past = ranked([Past({}, (value,)) for value in (300.0, 100.0, 200.0)])
    assert values(past) == [(1.0,), (0.0,), (0.5,)]


def test_ties_share_a_rank_and_one_alone_is_in_the_middle() -> None:
    assert values(ranked([Past({}, (value,)) for value in (5.0, 1.0, 5.0)])) == [(0.75,), (0.0,), (0.75,)]
    assert values(ranked([Past({}, (5.0,))])) == [(0.5,)]
    assert ranked([]) == ()


def test_a_pruned_trial_has_no_rank() -> None:
    pruned = Past({}, None, TrialState.PRUNED, [(1, 9.0)])
    past = ranked([pruned, Past({}, (1.0,)), Past({}, (2.0,))])
    assert values(past) == [None, (0.0,), (1.0,)]
    assert past[0].curve == ()


def spec_of(space: dict[str, Any], fixed: dict[str, Any], **options: Any) -> JobSpec:
    script = {"convention": "sagemaker", "target": "image", "fixed": fixed}
    definition = {
        "space": space,
        "objectives": [{"metric": "score", "goal": "maximize"}],
        "program": {"kind": "script", "source": "image", "script": script},
    }
    return validate(JobSpec, {"definitions": [definition], **options})


X = {"x": {"type": "float", "low": 0, "high": 1}}
DEPTH = {"depth": {"type": "int", "low": 1, "high": 9}}


def test_what_the_parent_fixed_and_the_child_tunes_is_part_of_its_trials() -> None:
    parent, child = spec_of(X, {"depth": "6"}), spec_of({**X, **DEPTH}, {})
    (past,) = adapted([Past({"x": 0.5}, (1.0,))], parent, child)
    assert past.params == {"x": 0.5, "depth": 6}
    assert Searcher(child.search).warm([past]).taken == 1


def test_what_the_child_fixes_has_to_be_what_the_parents_trial_had() -> None:
    parent, child = spec_of({**X, **DEPTH}, {}), spec_of(X, {"depth": "6"})
    past = [Past({"x": 0.5, "depth": depth}, (1.0,)) for depth in (5, 6)]
    warmed = Searcher(child.search).warm(adapted(past, parent, child))
    assert (warmed.taken, sum(warmed.left_out.values())) == (1, 1)


def test_a_job_of_another_kind_starts_from_the_ranks_of_its_parents(bench: Bench) -> None:
    def large(trial: Trial) -> float:
        return 1000.0 * (trial.number + 1)

    parent = bench.run(large, name="parent", trials=3)
    (found,) = collect(bench.store, ["parent"], "default")
    child = parent.spec.model_copy(update={"transfer": True})
    assert values(past_of(bench.store, found, child)) == [(0.0,), (0.5,), (1.0,)]

    job = bench.run(large, name="child", trials=2, warm_start=("parent",), transfer=True)
    assert "starts from 3 trials of parent#1" in job.view().note
    assert job.best.values == pytest.approx((2000.0,))


def test_an_identical_job_starts_from_the_values_as_they_are(bench: Bench) -> None:
    parent = bench.run(lambda trial: 1000.0 * (trial.number + 1), name="parent", trials=2)
    (found,) = collect(bench.store, ["parent"], "default")
    past = past_of(bench.store, found, parent.spec)
    assert values(past) == [(1000.0,), (2000.0,)]
