"""Metrics that a script prints: lines, regexes, and regexes that would hang."""

from __future__ import annotations

import math
import re
import threading
import time
import warnings

import hypothesis.strategies as st
import pytest
from hypothesis import given

from astraml_lab.objectives.script_metrics import LONGEST_LINE, Lines, LogMetrics
from astraml_lab.spec import LogMetric, compile_problem


def found(regexes: list[str], text: str, piece: int = 1 << 16) -> tuple[list[tuple[str, float]], list[str]]:
    """Return the metrics `m0`, `m1`, … of a text that comes in pieces, and what was said."""
    notes: list[str] = []
    metrics = LogMetrics(
        [LogMetric(name=f"m{i}", regex=each) for i, each in enumerate(regexes)], notes.append
    )
    lines = Lines()
    values: list[tuple[str, float]] = []
    for start in range(0, len(text), piece):
        values += metrics.find(lines.add(text[start : start + piece]))
    return values + list(metrics.find(lines.end())), notes


@given(
    st.lists(st.text("ab=0.5 \t", max_size=9), max_size=8),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.integers(1, 7),
)
def test_lines_are_the_same_however_they_come_in_pieces(texts: list[str], end: str, size: int) -> None:
    whole = end.join(texts)
    lines = Lines()
    got = [line for i in range(0, len(whole), size) for line in lines.add(whole[i : i + size])] + lines.end()
    assert got == [each for each in texts if each]


def test_the_first_group_counts_else_the_whole_match_and_each_match_of_a_line() -> None:
    text = "loss=1.5 loss=2.5\n37\n"
    assert found([r"loss=(\S+)", r"^\d+$"], text)[0] == [("m0", 1.5), ("m0", 2.5), ("m1", 37.0)]


def test_every_state_of_a_progress_bar_is_read() -> None:
    assert [value for _, value in found([r"acc (\d)"], "acc 1\racc 2\racc 3\n")[0]] == [1, 2, 3]


def test_nan_and_infinity_are_values_and_words_are_not() -> None:
    values = [value for _, value in found([r"loss=(\S+)"], "loss=nan\nloss=-inf\nloss=low\nloss=\n")[0]]
    assert math.isnan(values[0])
    assert values[1:] == [-math.inf]


def test_a_tab_may_be_written_as_syslog_does() -> None:
    regex = r".*\[[0-9]+\].*#011validation-rmse:(\S+)"
    text = "[12]#011train-rmse:0.4#011validation-rmse:0.6\n[13]\ttrain-rmse:0.3\tvalidation-rmse:0.5\n"
    assert [value for _, value in found([regex], text)[0]] == [0.6, 0.5]


def test_several_regexes_of_one_name_all_count() -> None:
    notes: list[str] = []
    same = [LogMetric(name="acc", regex=r"acc: (\S+)"), LogMetric(name="acc", regex=r"accuracy=(\S+)")]
    metrics = LogMetrics(same, notes.append)
    assert list(metrics.find(["accuracy=0.5", "acc: 0.6"])) == [("acc", 0.5), ("acc", 0.6)]


def test_a_line_that_is_too_long_is_read_as_far_as_its_limit() -> None:
    text = "a=1 " + "z" * (2 * LONGEST_LINE) + " a=2\na=3\n"
    assert [value for _, value in found([r"a=(\d)"], text, piece=1000)[0]] == [1, 3]


@pytest.mark.parametrize("regex", [r"(a+)+$", r"(a|aa)+$", r"(?:a*)*b", r"(.*)*x"])
def test_catastrophic_patterns_are_linear(regex: str) -> None:
    began = time.process_time()
    values, notes = found([regex], ("a" * 40_000 + "!\n") * 3)
    assert (values, notes) == ([], [])
    assert time.process_time() - began < 2


def test_what_the_linear_engine_cannot_read_has_a_time_limit_and_the_others_go_on() -> None:
    began = time.process_time()
    values, notes = found([r"(?=a)(a+)+$", r"b=(\d)"], ("a" * 30_000 + " b=1\n") * 5)
    assert [name for name, _ in values] == ["m1"] * 5
    assert len(notes) == 1
    assert notes[0].startswith("the regex of m0 ((?=a)(a+)+$) took longer than 100 ms")
    assert time.process_time() - began < 5


def test_what_other_threads_compute_is_not_the_time_of_a_regex() -> None:
    over = threading.Event()

    def compute() -> None:
        while not over.is_set():
            sum(range(1000))

    others = [threading.Thread(target=compute) for _ in range(4)]
    for each in others:
        each.start()
    values, notes = found([r"(?<=acc=)(\d)(?!\d)"], "acc=3\n" * 300)
    over.set()
    for each in others:
        each.join()
    assert (len(values), notes) == (300, [])


def test_lookaround_and_backreferences_work() -> None:
    assert found([r"(?<=acc=)(\d)(?!\d)", r"(['\"])\w+\1: (\d)"], "acc=3 acc=44\n")[0] == [("m0", 3.0)]


@pytest.mark.parametrize(
    "regex",
    [
        r"loss (\d+)",
        r"v\s(\d)",
        r"\bx(\d)",
        r"[^\W\d](\d)",
        r"(\w+)=3",
        r"[[:digit:]](\d)",
        r"[a[:digit:]]?(\d)",
        r"\[[0-9](\d)",
        r"[]\[[](\d)",
        r"(?i)STRASSE(\d)",
        r"(?m)^x(\d)$",
    ],
)
def test_a_regex_means_what_python_says_beyond_ascii_too(regex: str) -> None:
    lines = [
        "loss \u0663 loss 3",
        "v\u00a04 v\x0b5 v\u20036 v 7",
        "\u00e9x1 x2",
        "a1 _2 \u00e93 !4",
        "\u00e95=3 5=3",
        "12 :]3 [5 :]4 [19 [[7 ]8 t]6",
        "strasse1 stra\u00dfe2",
        "x3",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(regex)
    expected = []
    for line in lines:
        for match in compiled.finditer(line):
            try:
                expected.append(float(match[1]))
            except ValueError:
                continue
    assert [value for _, value in found([regex], "\n".join(lines))[0]] == expected


def test_a_regex_that_is_slow_beyond_ascii_goes_on_as_the_linear_engine_reads_it() -> None:
    began = time.process_time()
    values, notes = found([r"(?:\d|\d\d)+$|b=(\d)"], ("\u2588" + "1" * 30_000 + " b=1\n") * 50)
    assert values == [("m0", 1.0)] * 50
    assert notes == []
    assert time.process_time() - began < 5


def test_a_quantifier_without_a_lower_bound_means_what_python_says() -> None:
    assert found([r"^x{,2}=(\d)"], "xx=1\n=2\nx{,2}=3\n")[0] == [("m0", 1.0), ("m0", 2.0)]


@pytest.mark.parametrize("regex", [r"loss=(", r"*", r"(?P<a>x)(?P<a>y)", r"\p{L}", "[z-a]", r"(?<=a+)b"])
def test_a_regex_that_python_cannot_read_is_refused_at_the_door(regex: str) -> None:
    assert compile_problem(regex)


@pytest.mark.parametrize("regex", [r"loss=(\S+)", r"(?=a)(a+)+$", r"[[a]", r"(\d+)\1"])
def test_a_regex_that_python_can_read_is_not(regex: str) -> None:
    assert not compile_problem(regex)


def test_a_hundred_megabytes_without_a_metric_take_seconds() -> None:
    notes: list[str] = []
    metrics = LogMetrics([LogMetric(name="m", regex=r"loss=(\S+)")] * 3, notes.append)
    lines = Lines()
    piece = "a line of a training that says nothing of what is looked for, as most lines do\n" * 800
    began = time.process_time()
    assert not [each for _ in range(100_000_000 // len(piece)) for each in metrics.find(lines.add(piece))]
    assert time.process_time() - began < 10
