from __future__ import annotations

import math

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Float, Goal, JobSpec, Pruning, Space, Strategy, nearest, option_fields
from astraml_lab.spec.options import OPTIONS, read_options


def spec(line: str) -> JobSpec:
    return read_options(line).spec(Space({}))


def refusals(line: str) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        spec(line)
    return [str(problem) for problem in caught.value.problems]


def test_the_designs_line_is_understood() -> None:
    made = spec("--maximize accuracy --minimize latency_ms --trials 40 --parallel 2 --name digits")
    assert [(each.metric, each.goal) for each in made.objectives] == [
        ("accuracy", Goal.MAXIMIZE),
        ("latency_ms", Goal.MINIMIZE),
    ]
    assert (made.trials, made.parallel, made.name) == (40, 2, "digits")


def test_every_kind_of_option_is_read() -> None:
    made = spec(
        "--minimize val/loss --gpus 0.5 --devices 0,2 --tag a=b --tag 'c=d e' --max-runtime 2h30m "
        "--strategy=random --prune median --warm-start one,two --target -0.5 --no-wait --new --name 'my job'"
    )
    assert made.devices == (0, 2)
    assert made.tag == {"a": "b", "c": "d e"}
    assert made.max_runtime == 9000
    assert (made.strategy, made.prune) == (Strategy.RANDOM, Pruning.MEDIAN)
    assert made.warm_start == ("one", "two")
    assert (made.target, made.wait, made.new, made.name) == (-0.5, False, True, "my job")
    assert math.isclose(made.gpus or 0, 0.5)


def test_the_bare_name_of_a_notebooks_number_or_duration_stands_for_it() -> None:
    names = {"trials": 7, "budget": "2h", "half": 0.5, "digits": 3, "on": True, "text": "soon"}

    def asked(line: str) -> JobSpec:
        return read_options(line, names).spec(Space({}))

    made = asked("--trials trials --max-runtime budget --gpus half --trial-timeout=half --name digits")
    assert (made.trials, made.max_runtime, made.gpus, made.trial_timeout) == (7, 7200, 0.5, 0.5)
    assert made.name == "digits"
    with pytest.raises(InvalidSpec) as caught:
        asked("--trials trails --parallel on --trial-timeout text --window nonesuch")
    said = sorted(str(problem) for problem in caught.value.problems)
    assert [each.partition(" is ")[0] for each in said] == [
        "--parallel",
        "--trial-timeout",
        "--trials",
        "--window",
    ]
    assert said[2].endswith('(did you mean "trials"?)')
    assert "did you mean" not in said[3]


def test_objectives_keep_the_order_of_the_line() -> None:
    made = spec("--minimize b --maximize a --minimize c")
    assert [objective.metric for objective in made.objectives] == ["b", "a", "c"]


def test_an_empty_line_is_all_defaults() -> None:
    assert spec("") == JobSpec()


def test_each_field_of_the_spec_is_an_option() -> None:
    assert {option.name for option in OPTIONS.values()} == {*option_fields(), "maximize", "minimize"}
    assert all(option.help for option in OPTIONS.values())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--trails 3", ["--trails", "no such option", 'did you mean "--trials"']),
        ("--maximise x", ["--maximise", "no such option", 'did you mean "--maximize"']),
        ("--n-trials 3", ["--n-trials", "no such option", 'did you mean "--trials"']),
        ("--timeout 3", ['did you mean "--max-runtime" or "--trial-timeout"']),
        ("digits", ["digits", "--name digits"]),
        ("--trials", ["--trials", "needs a value"]),
        ("--trials --new", ["--trials", "needs a value"]),
        ("--trials many", ["--trials", '"many"', "whole number"]),
        ("--trials 0", ["--trials", "greater than or equal to 1"]),
        ("--trials 3 --trials 4", ["--trials", "twice"]),
        ("--strategy tpee", ["--strategy", "one of auto, tpe", 'did you mean "tpe"']),
        ("--tag a", ["--tag", "key=value"]),
        ("--new=yes", ["--new", "takes no value"]),
        ("--max-runtime soon", ["--max-runtime", "duration"]),
        ("--devices 0,x", ["--devices", '"x"']),
        ("--target 3", ["--target", "exactly one objective"]),
        ("--maximize a --minimize a", ["--maximize/--minimize", "once"]),
        ("--name 'a", ["the line", "quotation"]),
        ("--maximize=", ["--maximize", "needs a metric"]),
        ("--no-trials 3", ["--no-trials", "no such option"]),
        ("-n 3", ["-n", "no such option"]),
    ],
)
def test_a_mistake_is_named_as_it_is_written(line: str, words: list[str]) -> None:
    problem = refusals(line)[0]
    for word in words:
        assert word in problem


def test_all_mistakes_of_the_line_are_reported_at_once() -> None:
    assert len(refusals("--trails 3 --parallel none --strategy best --tag x")) == 4


def test_words_that_are_no_option_are_refused_in_one_sentence() -> None:
    with pytest.raises(InvalidSpec) as caught:
        spec("my best job --trials 3")
    (problem,) = caught.value.problems
    assert str(problem) == "my best job; is no option (a job is named with --name 'my best job')"


def test_what_does_not_fit_the_space_is_refused_with_the_space() -> None:
    space = Space({"lr": Float(0.0, 1.0)})
    with pytest.raises(InvalidSpec, match=r"(?s)--maximize.*name the metric.*space.lr.*step="):
        read_options("--strategy grid").spec(space)


def test_of_equally_near_names_the_one_whose_letters_changed_places_is_suggested() -> None:
    assert nearest("lgo", ["low", "log"]) == 'did you mean "log"?'
