"""Secrets of a script never reach its log."""

from __future__ import annotations

import base64
import itertools
from itertools import pairwise
from urllib.parse import quote

import hypothesis.strategies as st
import pytest
from hypothesis import given

from astraml_lab.secrets import Hidden

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
