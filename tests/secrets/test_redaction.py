"""Secrets of a script never reach its log."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import hypothesis.strategies as st
import pytest
from hypothesis import given

from astraml_lab.output import TrialSink
from astraml_lab.secrets import Hidden

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr/t+tok en=7!"  # noqa: S105 - of a test


def shown(text: str, *cuts: int) -> str:
    """Return what is seen of a text that comes in pieces."""
    redactor = Hidden({"token": SECRET}).stream()
    ends = [0, *sorted(cuts), len(text)]
    pieces = [redactor.add(text[a:b]) for a, b in itertools.pairwise(ends)]
    return "".join(pieces) + redactor.end()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
    ],
)
def test_each_form_of_a_secret_is_replaced(form: str) -> None:
    assert shown(f"before {form} after\n") == "before ***token*** after\n"


@given(st.lists(st.integers(0, 60), max_size=6), st.sampled_from(["", "\n", "\r\n"]))
def test_a_secret_is_found_wherever_pieces_and_lines_end(cuts: list[int], between: str) -> None:
    text = f"a {SECRET[:6]}{between}{SECRET[6:]} b {SECRET} c\n"
    assert shown(text, *cuts) == "a ***token*** b ***token*** c\n"


@given(st.lists(st.integers(0, 40), max_size=6))
def test_secrets_that_begin_alike_or_overlap_are_all_found(cuts: list[int]) -> None:
    redactor = Hidden({"short": "abcdef", "long": "abcdefghijkl", "next": "fzzzzzz"}).stream()
    text = "a abcdef b abcdefghijkl c fzzzzzz d"
    ends = [0, *sorted(cuts), len(text)]
    seen = "".join(redactor.add(text[a:b]) for a, b in pairwise(ends)) + redactor.end()
    assert seen == "a ***short*** b ***long*** c ***next*** d"


def test_what_only_begins_like_a_secret_is_shown_in_the_end() -> None:
    assert shown(f"x {SECRET[:5]}") == f"x {SECRET[:5]}"
    assert shown(f"x {SECRET[:5]} y", 4, 5) == f"x {SECRET[:5]} y"


def test_a_short_secret_is_not_looked_for() -> None:
    assert Hidden({"pin": "12345"}).stream().add("12345") == "12345"


ALPHABET = "ab=/ \r\n\"'\\+é%☃A0"
secrets_ = st.text(ALPHABET + "XYZ", min_size=6, max_size=40).filter(
    lambda value: len(value.replace("\n", "").replace("\r", "")) >= 6
)


def forms(value: str) -> list[str]:
    data = value.encode()
    return [
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value),
        repr(value),
        repr(data),
        base64.b64encode(data).decode(),
        base64.encodebytes(data * 4).decode(),  # wrapped: the secret stands in it four times
        base64.b64encode(b"user:" + data + b"@host").decode(),
        base64.urlsafe_b64encode(b"xy" + data).decode(),
    ]


def visible(value: str, seen: str) -> bool:
    """Whether a secret can be read from a text, line breaks or not, in any of the usual forms."""
    bare = seen.replace("\n", "").replace("\r", "")
    spelled = [value, quote(value, safe=""), base64.b64encode(value.encode()).decode().rstrip("=")]
    return any(form.replace("\n", "").replace("\r", "") in bare for form in spelled)


@given(st.lists(secrets_, min_size=1, max_size=4), st.data())
def test_no_secret_can_be_read_whatever_is_printed_around_it_and_wherever_it_is_cut(
    values: list[str], data: st.DataObject
) -> None:
    pieces = st.one_of(st.text(ALPHABET, max_size=8), st.sampled_from([f for v in values for f in forms(v)]))
    text = "".join(data.draw(st.lists(pieces, max_size=8)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    watched = Hidden({f"s{index}": value for index, value in enumerate(values)}).stream()
    seen = [watched.add(text[a:b]) for a, b in itertools.pairwise([0, *cuts, len(text)])] + [watched.end()]
    for value in values:
        assert not any(visible(value, piece) for piece in [*seen, "".join(seen)] if "***" not in value)


@given(st.text(ALPHABET, max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_a_text_without_a_secret_comes_out_as_it_went_in(text: str, cuts: list[int]) -> None:
    watched = Hidden({"token": "QQQQQQQQ", "like": "ab=/ab=/QQ"}).stream()
    seen = [watched.add(text[a:b]) for a, b in itertools.pairwise([0, *sorted(cuts), len(text)])]
    assert "".join(seen) + watched.end() == text


@given(st.text("abc\n", max_size=80), st.integers(1, 80))
def test_secrets_within_and_over_each_other_leave_nothing(text: str, cut: int) -> None:
    values = {"one": "abcabc", "two": "cabcabca", "three": "bbbbbb"}
    watched = Hidden(values).stream()
    seen = watched.add(text[:cut]) + watched.add(text[cut:]) + watched.end()
    left = seen.replace("***one***", "|").replace("***two***", "|").replace("***three***", "|")
    assert not any(visible(value, left) for value in values.values())


def test_overlapping_secrets_are_taken_out_as_one() -> None:
    hidden = Hidden({"first": "abcdef", "second": "efghij"})
    assert hidden.whole("x abcdefghij y") == "x ***first******second*** y"


def test_each_line_of_a_private_key_is_hidden_by_itself() -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B", "AQEFAASCBKcwggSjAgEAAoIB"]
    key = "\n".join(lines)
    seen = Hidden({"key": key}).whole("\n".join(f"  | {line}" for line in key.splitlines()))
    assert "MII" not in seen
    assert "AQEF" not in seen


def test_a_bar_that_overwrites_itself_shows_no_secret() -> None:
    assert shown(f"\r 10%|{SECRET[:4]}\r{SECRET[4:]}|\r 20%") == "\r 10%|***token***|\r 20%"


def test_a_secret_that_is_learned_later_is_hidden_from_then_on_also_where_it_has_begun() -> None:
    hidden = Hidden({"first": "begin-1234"})
    watched = hidden.stream()
    assert watched.add("x begin-") == "x "
    hidden.learn("second", "begin-5678")
    assert watched.add("5678 y") == "***second*** y"


@pytest.mark.parametrize("between", ["\n", "=", "begi"])
def test_what_goes_on_without_end_is_not_held_without_end(between: str) -> None:
    watched = Hidden({"bar": "======", "token": "begin-1234"}).stream()
    seen = "".join(watched.add(between) for _ in range(2000))
    assert seen
    assert len(watched._held) < 200


def test_many_threads_at_once_show_nothing_of_what_each_prints_whole(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    sink.watch(Hidden({"token": SECRET, "other": "abcdefgh"}))

    def talk(number: int) -> None:
        for index in range(300):
            sink.write("out", f"{number}.{index} {SECRET} abcd\n" if index % 2 else f"abcdefgh {SECRET}\n")

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    text = sink.path.read_text()
    assert text.count("\n") == 2400
    assert SECRET not in text
    assert "abcdefgh" not in text


def test_a_sink_that_is_closed_or_forked_keeps_watching(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    sink.write("out", "before\n")
    sink.watch(Hidden({"token": SECRET}))
    sink.write("out", f"{SECRET[:5]}")
    sink.write("err", f"{SECRET}\n")
    sink.close()
    sink.write("out", f"late {SECRET}")
    assert [line.text for line in sink.tail()] == ["before", "***token***", SECRET[:5], "late ***token***"]
    assert sink.clean(f"why: {SECRET}") == "why: ***token***"


def test_the_cost_is_linear_in_what_is_printed_and_in_how_it_is_cut() -> None:
    watched = Hidden({"key": "MIIEvQIBADANBgkqhkiG9w0B" * 80}).stream()
    line = "epoch 12 step 34 loss=0.1234 accuracy=0.9876 lr=3e-5 MIIEvQIBADANB\n"

    def seconds(lines: int) -> float:
        began = time.process_time()
        for _ in range(lines):
            watched.add(line)
        return time.process_time() - began

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.001)
