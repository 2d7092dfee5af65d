"""The picture of a dimension: it must show what the search would really draw."""

from __future__ import annotations

import math

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.search import draws
from astraml_lab.spec import AnyDimension, Categorical, Discrete, Float, Int
from astraml_lab.ui.form_preview import place, preview, shares, value_at

RANGES: list[Float | Int] = [
    Float(-2, 5),
    Float(1e-5, 1e-1, log=True),
    Float(0.5, 0.999, scale="reverse_log"),
    Float(1, 100, scale="vertex_reverse_log"),
    Int(100, 1_000_000, log=True),
]


@pytest.mark.parametrize("dimension", RANGES, ids=repr)
def test_what_the_search_draws_lies_evenly_on_the_drawn_scale(dimension: Float | Int) -> None:
    places = sorted(place(dimension, float(str(value))) for value in draws(dimension, 400, seed=3))
    far = max(abs(where - (index + 0.5) / 400) for index, where in enumerate(places))
    assert far < 1.63 / math.sqrt(400)  # Kolmogorov and Smirnov's bound for one in a hundred
    assert place(dimension, value_at(dimension, 0.25)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "dimension", [Int(1, 8, log=True), Int(1, 6), Int(1, 8, scale="vertex_reverse_log")], ids=repr
)
def test_the_bars_are_as_high_as_values_are_likely(dimension: Int) -> None:
    values = list(range(dimension.low, dimension.high + 1))
    drawn = draws(dimension, 1500, seed=5)
    for value, share in zip(values, shares(dimension, values), strict=True):
        assert drawn.count(value) / 1500 == pytest.approx(share, abs=0.045)


@pytest.mark.parametrize(
    "dimension",
    [
        *RANGES,
        Float(3, 3),
        Int(0, 10**15),
        Float(1e-140, 1e140, log=True),
        Float(0, 1, step=0.1),
        Float(0, 1e6, step=0.1),
        Categorical([None]),
        Categorical(["<b>", "x" * 10_000, True, 3]),
        Categorical([str(index) for index in range(500)]),
        Discrete([32, 64, 128]),
        Discrete([1]),
    ],
    ids=lambda dimension: repr(dimension)[:40],
)
def test_any_dimension_has_a_picture_with_ten_samples(dimension: AnyDimension) -> None:
    picture, words = preview(dimension)
    assert picture.count("<circle") == 10
    assert "<b>" not in picture
    assert "nan" not in picture
    assert len(picture) < 12_000
    assert len(words) < 300
    assert preview(dimension) == (picture, words)  # the same seed


def test_a_range_that_nothing_can_draw_from_is_refused() -> None:
    with pytest.raises(InvalidSpec):
        preview(Int(0, 2**60))
