from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec, NotBuiltYet
from astraml_lab.spec import (
    Definition,
    Float,
    JobSpec,
    JobState,
    Space,
    TrialState,
    format_duration,
    objectives_of,
    option_fields,
    parse_duration,
    refuse_unbuilt,
    validate,
)

ONE = {
    "space": {"x": {"type": "float", "low": 0, "high": 1}},
    "objectives": [{"metric": "a", "goal": "maximize"}],
}
OTHER_WAY = [{"metric": "a", "goal": "minimize"}]
TWO = {**ONE, "objectives": [{"metric": "a", "goal": "maximize"}, {"metric": "b", "goal": "minimize"}]}


def job(**options: Any) -> JobSpec:
    return validate(JobSpec, {"definitions": [ONE], **options})


def test_ten_mistakes_are_said_at_once_with_paths_and_suggestions() -> None:
    bad = {
        "trils": 3,
        "parallel": 0,
        "prune": "medain",
        "window": "7s",
        "max_runtime": "soon",
        "name": " x",
        "definitions": [
            {
                "space": {
                    "a": {"type": "float", "low": "x", "high": 2, "hih": 3},
                    "b": {"type": "integer", "low": 1},
                    "c": {"type": "int", "low": 3, "high": 1},
                },
            }
        ],
    }
    with pytest.raises(InvalidSpec) as caught:
        validate(JobSpec, bad)

    said = {problem.path: str(problem) for problem in caught.value.problems}
    assert len(said) == 10
    assert 'did you mean "trials"?' in said["trils"]
    assert 'did you mean "median"?' in said["prune"]
    assert 'did you mean "high"?' in said["definitions[0].space.a.hih"]
    assert "one of float, int, categorical, discrete" in said["definitions[0].space.b"]
    assert "must not be above high" in said["definitions[0].space.c.low"]
    assert "90s, 10m, 2h" in said["max_runtime"]
    assert "divide 300" in said["window"]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"definitions": [TWO], "target": 1.0}, "target"),
        ({"definitions": [TWO], "prune": "median"}, "prune"),
        ({"definitions": [TWO], "prune_on": "loss"}, "prune_on"),
        ({"prune_on": "a", "prune": "off"}, "prune_on"),
        ({"prune_on": "a", "stopping": {"kind": "averages"}}, "prune_on"),
        ({"definitions": [TWO], "patience": 3}, "patience"),
        ({"strategy": "hyperband", "prune": "median"}, "prune"),
        ({"stopping": {"kind": "averages"}, "prune": "median"}, "prune"),
        ({"strategy": "grid"}, "space.x"),
        ({"gpus": 1.5}, "gpus"),
        ({"devices": [0, 0]}, "devices"),
        ({"definitions": [{"space": ONE["space"]}]}, "maximize"),
        ({"definitions": []}, "definitions"),
        ({"definitions": [ONE] * 11}, "definitions"),
        ({"definitions": [ONE, ONE]}, "definitions"),
        ({"definitions": [ONE, {**ONE, "name": "other", "objectives": OTHER_WAY}]}, "definitions"),
        (
            {"definitions": [{**ONE, "objectives": [{"metric": "a", "goal": "maximize"}] * 2}]},
            "definitions[0]",
        ),
        ({"seed": -1}, "seed"),
        ({"trials": 2.5}, "trials"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(options: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        job(**options)
    assert [problem.path.startswith(path) for problem in caught.value.problems] == [True]


def test_one_job_to_start_from_is_named_by_a_plain_text() -> None:
    assert job(warm_start="digits#2").warm_start == ("digits#2",)
    with pytest.raises(InvalidSpec, match="warm_start is 3"):
        job(warm_start=3)


def test_no_pruning_may_be_said_with_a_switch() -> None:
    assert job(prune=False).prune == "off"
    with pytest.raises(InvalidSpec, match=r'prune is null; .* \(did you mean "off"\?\)'):
        job(prune=None)
    with pytest.raises(InvalidSpec, match="prune is true"):
        job(prune=True)


@pytest.mark.parametrize(
    ("option", "given", "meant"),
    [
        ("prune", "successive_halving", "asha"),
        ("prune", "SHA", "asha"),
        ("prune", "none", "off"),
        ("prune", "no", "off"),
        ("strategy", "bayes", "auto"),
        ("strategy", "BO", "auto"),
        ("strategy", "Bayesian Optimization", "auto"),
        ("strategy", "evolutionary", "nsga2"),
        ("strategy", "genetic", "nsga2"),
        ("strategy", "sobol", "qmc"),
        ("strategy", "TPE", "tpe"),
        ("strategy", "cma-es", "cmaes"),
        ("strategy", "none", ""),
        ("executor", "thread", "threads"),
    ],
)
def test_what_other_tuners_call_a_value_is_told_by_ours(option: str, given: str, meant: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        job(**{option: given})
    assert [problem.hint for problem in caught.value.problems] == [meant and f'did you mean "{meant}"?']


def test_a_spec_survives_json_whole() -> None:
    spec = job(
        name="digits", trials=7, devices=[0, 2], max_runtime="2h", tag={"team": "vision"}, warm_start=["a"]
    )

    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.max_runtime == 7200


def test_several_definitions_and_an_empty_space_fit() -> None:
    spec = validate(JobSpec, {"definitions": [{**ONE, "name": f"d{n}"} for n in range(10)]})
    assert len(spec.definitions) == 10
    assert validate(JobSpec, {"definitions": [{}]}).space == Space({})


def test_every_option_says_what_it_does() -> None:
    assert all(field.description for field in option_fields().values())


def test_what_comes_later_is_refused_in_one_sentence() -> None:
    with pytest.raises(NotBuiltYet):
        refuse_unbuilt(job(executor="ray"))
    refuse_unbuilt(job())


def test_objectives_keep_their_order() -> None:
    spec = JobSpec(
        definitions=(Definition(space=Space({"x": Float(0, 1)}), objectives=objectives_of(["b", "a"], "c")),)
    )
    assert [(objective.metric, str(objective.goal)) for objective in spec.objectives] == [
        ("b", "maximize"),
        ("a", "maximize"),
        ("c", "minimize"),
    ]
    assert spec.pareto


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2h30m", 9000), ("1d", 86400), ("45", 45)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10 parsecs", "h", "nan", "1h nonsense"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(text)


@given(st.floats(0, 1e8))
def test_durations_are_spelled_in_at_most_two_units(seconds: float) -> None:
    parts = format_duration(seconds).split()
    assert len(parts) in {2, 4}
    assert set(parts[1::2]) <= {"s", "m", "h", "d"}


def test_the_state_tables_lead_to_ends_only_by_steps_that_exist() -> None:
    assert JobState.RUNNING.may_become(JobState.PAUSED)
    assert not JobState.SUCCEEDED.may_become(JobState.PAUSED)
    assert not TrialState.COMPLETE.may_become(TrialState.RUNNING)
    assert TrialState.RUNNING.may_become(TrialState.WAITING)
    assert {state for state in JobState if state.ended} == {"SUCCEEDED", "FAILED", "CANCELLED"}
    assert {state for state in TrialState if state.counts} == {"COMPLETE", "PRUNED", "FAILED"}
