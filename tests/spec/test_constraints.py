"""`--subject-to "latency_ms <= 20"`: how it is read, refused and written."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Constraint, JobSpec, Space, line_of, validate
from astraml_lab.spec.constraints import constraint_problems
from astraml_lab.spec.options import OPTIONS, read_options

LOSS = [{"objectives": [{"metric": "loss", "goal": "minimize"}]}]
NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="<>=!≤≥"), min_size=1, max_size=12
)
LIMITS = st.floats(allow_nan=False, allow_infinity=False)


def job(**options: Any) -> JobSpec:
    return validate(JobSpec, {"definitions": LOSS, **options})


def read(text: object) -> Constraint:
    (found,) = job(subject_to=text).subject_to
    return found


def refusals(text: object) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        job(subject_to=text)
    return [str(problem) for problem in caught.value.problems]


def is_a_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@settings(max_examples=40)
@given(
    NAMES.filter(lambda name: not is_a_number(name)),
    st.booleans(),
    LIMITS,
    st.sampled_from(["{} {} {}", "{}{}{}", "  {}\t{}  {}\n"]),
)
def test_a_constraint_is_read_as_it_is_written(name: str, at_least: bool, limit: float, form: str) -> None:  # noqa: FBT001
    made = Constraint(metric=name, at_least=at_least, threshold=limit)
    assert read(str(made)) == made
    assert read(form.format(name, ">=" if at_least else "<=", repr(limit))) == made
    assert JobSpec.model_validate_json(job(subject_to=made).model_dump_json()).subject_to == (made,)
    assert read_options(line_of(job(subject_to=made)).removeprefix("%%tune")).spec(Space({})) == job(
        subject_to=made
    )


@given(st.text(max_size=30) | st.from_regex(r"[a-z]{0,3} ?[<>=!]{0,3} ?[-0-9.a-z]{0,4}", fullmatch=True))
def test_any_text_is_a_constraint_or_is_refused_with_what_is_allowed(text: str) -> None:
    try:
        made = read(text)
    except InvalidSpec as error:
        assert all(problem.allowed for problem in error.problems)  # noqa: PT017 - either is right
    else:
        assert read(str(made)) == made


@pytest.mark.parametrize("given", [3, {"ms <= 20"}, [3]])
def test_what_is_no_text_is_refused_with_what_is_allowed(given: object) -> None:
    (said,) = refusals(given)
    assert said.startswith("subject_to[0]")
    assert said.endswith("METRIC <= NUMBER or METRIC >= NUMBER")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"ms": 20}, '("ms <= 20" or "ms >= 20")'),
        ({"ms": 0.5, "mb": 1}, '("ms <= 0.5" or "ms >= 0.5", "mb <= 1" or "mb >= 1")'),
        ({"ms": "<= 20"}, "METRIC <= NUMBER or METRIC >= NUMBER"),
        ({}, "METRIC <= NUMBER or METRIC >= NUMBER"),
    ],
)
def test_a_limit_by_its_metric_is_refused_with_the_texts_it_may_mean(given: object, hint: str) -> None:
    (said,) = refusals(given)
    assert said.startswith("subject_to[0] is {")
    assert said.endswith(hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ms < 20", "the limit itself is allowed (ms <= 20)"),
        ("ms>20", "(ms >= 20)"),
        ("ms =< 20", "(ms <= 20)"),
        ("20 >= ms", "(ms <= 20)"),
        ("20 > ms", "(ms <= 20)"),
        ("1 <= ms < 5", '(two of them: "ms >= 1" and "ms <= 5")'),
        ("ms <= 3, f1 >= 0.5", '(one each: "ms <= 3", "f1 >= 0.5")'),
        ("ms <= 3 and f1>=0.5 and mb <= 9", '(one each: "ms <= 3", "f1>=0.5", "mb <= 9")'),
        ("ms == 3", '(two of them: "ms >= 3" and "ms <= 3")'),
        ("ms <= 20ms", "the limit is a plain number (ms <= 20)"),
        ("ms <= 5 %", "the limit is a plain number (ms <= 5)"),
        ("ms <= inf", "the limit is a plain number"),
        ("ms <= nan", "the limit is a plain number"),
        ("ms <=", "the limit is a plain number"),
        ("ms <= fast", "the limit is a plain number"),
        ("ms", "METRIC <= NUMBER or METRIC >= NUMBER"),
        ("<= 20", "METRIC <= NUMBER or METRIC >= NUMBER"),
        ("3 <= 4", "METRIC <= NUMBER or METRIC >= NUMBER"),
        ("ms != 3", "METRIC <= NUMBER or METRIC >= NUMBER"),
        ("", "METRIC <= NUMBER or METRIC >= NUMBER"),
    ],
)
def test_what_is_none_is_refused_with_what_may_be_meant(text: str, hint: str) -> None:
    (said,) = refusals(text)
    assert said.startswith("subject_to[0] is ")
    assert said.endswith(hint)


def test_there_may_be_several_and_none_twice_or_against_another() -> None:
    made = job(subject_to=["ms <= 20", {"metric": "recall", "at_least": True, "threshold": 0.9}, "ms >= 1"])
    assert list(map(str, made.subject_to)) == ["ms <= 20", "recall >= 0.9", "ms >= 1"]
    assert refusals(["ms <= 20", 3, "ms <= 30"]) == [
        "subject_to[1] is 3; METRIC <= NUMBER or METRIC >= NUMBER"
    ]
    (twice,) = refusals(["ms <= 20", "ms <= 30"])
    assert twice == 'subject_to is "ms <= 30"; ms has another such limit (keep one)'
    (against,) = refusals(["ms <= 20", "ms >= 30"])
    assert against == 'subject_to is "ms >= 30 and ms <= 20"; no trial could keep to both'
    assert not list(constraint_problems(job(subject_to=["ms <= 20", "ms >= 20"]).subject_to))


def test_a_constraint_goes_with_an_objective() -> None:
    with pytest.raises(InvalidSpec, match="goes with an objective"):
        validate(JobSpec, {"subject_to": "ms <= 20"})


def test_the_line_takes_them_quoted_bare_and_with_the_notebooks_numbers() -> None:
    line = (
        '--minimize loss --subject-to "ms <= 20" --subject-to recall >= .9 --subject-to=mb<=limit --trials 3'
    )
    made = read_options(line, {"limit": 512}).spec(Space({}))
    assert list(map(str, made.subject_to)) == ["ms <= 20", "recall >= 0.9", "mb <= 512"]
    assert made.trials == 3
    assert OPTIONS["--subject-to"].usage == '--subject-to "METRIC <= NUMBER"'


def test_every_mistake_of_a_line_is_told_at_once() -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_options('--minimize loss --subject-to "ms < 20" --trials many --subject-to').spec(Space({}))
    found = [problem.path for problem in caught.value.problems]
    assert found == ["--subject-to", "--subject-to", "--trials"]
    with pytest.raises(InvalidSpec, match='did you mean "--subject-to"'):
        read_options('--minimize loss --constraints "ms <= 20"').spec(Space({}))


def test_what_earlier_versions_stored_is_read() -> None:
    recall = {"metric": "recall", "at_least": True, "threshold": 0.5}
    stored = [{**LOSS[0], "name": name, "constraints": [recall]} for name in "ab"]
    assert list(map(str, validate(JobSpec, {"definitions": stored}).subject_to)) == ["recall >= 0.5"]
    assert validate(JobSpec, {"definitions": [{**LOSS[0], "constraints": []}]}) == job()
