from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Categorical, Discrete, Float, Int, Scale, Space, validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.spec import AnyDimension

floats = st.floats(-1e9, 1e9, allow_nan=False).map(float)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), floats, st.text(max_size=8))


@st.composite
def dimensions(draw: st.DrawFn) -> AnyDimension:
    kind = draw(st.sampled_from(["float", "log", "reverse", "vertex", "stepped", "int", "cat", "discrete"]))
    low, high = sorted([draw(floats), draw(floats)])
    positive = 1e-9 + abs(low)
    makers: dict[str, Callable[[], AnyDimension]] = {
        "float": lambda: Float(low, high),
        "log": lambda: Float(positive, positive * 10, log=True),
        "reverse": lambda: Float(0.0, draw(st.floats(0, 0.999)), scale="reverse_log"),
        "vertex": lambda: Float(positive, positive * 10, scale="vertex_reverse_log"),
        "stepped": lambda: Float(low, high, step=draw(st.floats(1e-3, 1e3))),
        "int": lambda: Int(int(low), int(high), step=draw(st.integers(1, 9))),
        "cat": lambda: Categorical(draw(unequal())),
        "discrete": lambda: Discrete(sorted(draw(st.sets(floats, min_size=1, max_size=9)))),
    }
    return makers[kind]()


@st.composite
def unequal(draw: st.DrawFn) -> list[Any]:
    found: list[Any] = []
    for value in draw(st.lists(scalars, min_size=1, max_size=9)):
        if value not in found:
            found.append(value)
    return found


@given(st.dictionaries(st.text(min_size=1, max_size=9), dimensions(), max_size=5))
def test_json_loses_nothing(given_dimensions: dict[str, AnyDimension]) -> None:
    space = Space(given_dimensions)
    back = Space.model_validate_json(space.model_dump_json())

    assert back == space
    for name, dimension in space.dimensions.items():
        assert type(back[name]) is type(dimension)
        assert [type(c) for c in getattr(back[name], "choices", ())] == [
            type(c) for c in getattr(dimension, "choices", ())
        ]


@given(dimensions())
def test_a_repr_is_the_constructor_call_that_makes_it(dimension: AnyDimension) -> None:
    names = {"Float": Float, "Int": Int, "Categorical": Categorical, "Discrete": Discrete}
    assert eval(repr(dimension), names) == dimension  # noqa: S307 - our own repr


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Float(1, 0), "low is 1.0; must not be above high, 0.0"),
        (lambda: Float(0, 1, log=True), "low is 0.0; must be above 0 on a log scale"),
        (lambda: Float(0, 1, scale="reverse_log"), "needs 0 <= low and high < 1"),
        (lambda: Float(0.1, 1, log=True, step=0.1), "step; goes with the linear scale only"),
        (lambda: Float(0, 1, log=True, scale="linear"), "contradicts log=True"),
        (lambda: Float("a", 1), 'low is "a"; must be a number'),  # type: ignore[arg-type]
        (lambda: Float(0, math.inf), "high"),
        (lambda: Float(0, 1, wen=3), 'did you mean "when"?'),
        (lambda: Float(0, 1, scale="lgo"), 'did you mean "log"?'),
        (lambda: Int(0.5, 2), "must be a whole number"),  # type: ignore[arg-type]
        (lambda: Int(0, 4, scale="reverse_log"), "reverse_log is for Float only"),
        (lambda: Categorical([]), "choices"),
        (lambda: Categorical([1, True]), "each choice once"),
        (lambda: Categorical("relu"), "choices"),
        (lambda: Discrete([3, 1, 2]), "write [1, 2, 3]"),
        (lambda: Discrete([True, 2]), "values"),
    ],
)
def test_a_wrong_dimension_says_what_would_be_right(make: Any, said: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        make()
    assert said in str(caught.value)


def test_every_mistake_of_a_dimension_is_found_at_once() -> None:
    with pytest.raises(InvalidSpec) as caught:
        Float(2, 1, log=True, step=0.5)
    assert len(caught.value.problems) == 2


def test_numpys_scalars_are_taken() -> None:
    one, eight, halves, names = np.int64(1), np.int64(8), np.array([0.5, 1.0]), np.array(["a", "b"])
    makers: tuple[Any, Any, Any] = (Int, Discrete, Categorical)
    assert makers[0](one, eight) == Int(1, 8)
    assert makers[1](halves) == Discrete([0.5, 1.0])
    assert makers[2](names) == Categorical(["a", "b"])


def test_labels_stand_for_objects() -> None:
    dimension = Categorical({"sin": math.sin, "cos": math.cos})

    assert dimension.choices == ("sin", "cos")
    assert dimension.decode("cos") is math.cos
    assert Space({"f": dimension, "n": Int(1, 2)}).decode({"f": "sin", "n": 2}) == {"f": math.sin, "n": 2}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"m": Float(0, 1, when={"optimiser": "sgd"}), "optimizer": Categorical(["sgd"])}, '"optimizer"?'),
        ({"m": Float(0, 1, when={"f": 1.0}), "f": Float(0, 1)}, "not a Float"),
        ({"m": Float(0, 1, when={"k": "x"}), "k": Categorical(["a", "b"])}, 'k is one of ["a", "b"]'),
        ({"m": Float(0, 1, when={"n": 9}), "n": Int(1, 5)}, "a whole number from 1 to 5"),
        ({"a": Int(0, 1, when={"b": 1}), "b": Int(0, 1, when={"a": 1})}, "must not depend on itself"),
        ({"a": Int(0, 1, when={"a": 1})}, "must not depend on itself"),
    ],
)
def test_wrong_conditions_are_refused(space: dict[str, AnyDimension], said: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate(Space, space)
    assert said in str(caught.value)


def test_conditions_chain_and_an_inactive_parent_makes_its_children_inactive() -> None:
    space = Space(
        {
            "c": Float(0, 1, when={"b": 2}),
            "a": Categorical(["x", "y"]),
            "b": Int(1, 2, when={"a": ["x"]}),
        }
    )

    assert [name for name, _ in space.parents_first()] == ["a", "b", "c"]
    assert space.is_active("c", {"a": "x", "b": 2})
    assert not space.is_active("c", {"a": "x", "b": 1})
    assert not space.is_active("c", {"a": "y", "b": None})


def test_a_choice_of_none_is_no_inactive_parent() -> None:
    space = Space({"sched": Categorical([None, "cosine"]), "warmup": Int(1, 9, when={"sched": None})})

    assert space.is_active("warmup", {"sched": None})
    assert not space.is_active("warmup", {"sched": "cosine"})


def test_log_is_short_for_the_scale() -> None:
    assert Float(1e-4, 1, log=True) == Float(1e-4, 1, scale="log")
    assert Float(1e-4, 1, log=True).scale is Scale.LOG
