"""What a dimension would give: ten values, and how densely its values lie on its own scale."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from astraml_lab.search import draws
from astraml_lab.spec import Categorical, Discrete, Float, Int, Scale, coordinates, is_number, value_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import AnyDimension, ParamValue

COUNT = 10
SEED = 7
_WIDTH, _HEIGHT, _EDGE = 180, 30, 6
_BASE = 22
"""Where the axis is; the density stands on it, the ticks hang below."""
_BARS = 24
"""So many values are drawn one by one."""
_WORDS = 9
_DECADES = 6
"""More of them, and only whole decades get a tick."""


def preview(dimension: AnyDimension) -> tuple[str, str]:
    """Return the picture as HTML, in which whatever it quotes is escaped, and a line that says the same.

    Raises:
        InvalidSpec: The range is more than any sampler can resolve.
    """
    values = draws(dimension, COUNT, SEED)
    return _picture(dimension, values), _words(dimension, values)


def _picture(dimension: AnyDimension, values: Sequence[ParamValue]) -> str:
    listed = _listed(dimension)
    marks = _bars(dimension, listed) if listed is not None and len(listed) <= _BARS else _box(dimension)
    dots = "".join(_dot(dimension, listed, value) for value in values)
    said = "ten samples: " + ", ".join(map(_word, values))
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return (
        f'<svg class="astraml-spark" role="img" aria-label="{html.escape(said)}" {size}>'
        f"<title>{html.escape(said)}</title>{marks}"
        f'<path class="is-axis" d="M{_EDGE} {_BASE}H{_WIDTH - _EDGE}"/>{dots}</svg>'
    )


def _words(dimension: AnyDimension, values: Sequence[ParamValue]) -> str:
    """Say the ten values in a line: numbers in their order, and where half of them lie."""
    ordered = values if isinstance(dimension, Categorical) else sorted(filter(is_number, values))
    return f"{_half(dimension)}e.g. {', '.join(map(_word, dict.fromkeys(ordered)))}"


def place(dimension: Float | Int, value: float) -> float:
    """Return where a value lies on the dimension's own scale, 0 to 1."""
    there, _ = coordinates(dimension)
    low, high = there(dimension.low), there(dimension.high)
    return 0.5 if low == high else (there(value) - low) / (high - low)


def value_at(dimension: Float | Int, share: float) -> float:
    """Return the value at a place of the scale: the inverse of `place`."""
    there, back = coordinates(dimension)
    low, high = there(dimension.low), there(dimension.high)
    return back(low + (high - low) * share)


def shares(dimension: AnyDimension, listed: Sequence[ParamValue]) -> list[float]:
    """Return how likely each of the values is: alike, but for whole numbers on a logarithmic scale."""
    if isinstance(dimension, Int) and dimension.scale is not Scale.LINEAR and dimension.low < dimension.high:
        mirrored = dimension.scale is Scale.VERTEX_REVERSE_LOG
        # Optuna's log of whole numbers is drawn half a one beyond its bounds, the mirrored one within them
        low, high = (
            (dimension.low, dimension.high) if mirrored else (dimension.low - 0.5, dimension.high + 0.5)
        )
        numbers = [float(each) for each in listed]  # type: ignore[arg-type]  # an Int's
        places = [low + high - number if mirrored else number for number in numbers]
        weights = [math.log(min(y + 0.5, high) / max(y - 0.5, low)) for y in places]
        return [weight / sum(weights) for weight in weights]
    return [1 / len(listed)] * len(listed)


def _listed(dimension: AnyDimension) -> list[ParamValue] | None:
    """Return the values where they can be counted on two hands or so."""
    if isinstance(dimension, Categorical):
        return list(dimension.choices)
    if isinstance(dimension, Discrete):
        return list(dimension.values)
    if isinstance(dimension, Int):
        count = (dimension.high - dimension.low) // dimension.step + 1
        return list(range(dimension.low, dimension.high + 1, dimension.step)) if count <= _BARS else None
    if dimension.step is None or (dimension.high - dimension.low) / dimension.step >= _BARS:
        return None
    count = math.floor((dimension.high - dimension.low) / dimension.step + 1e-8) + 1
    return [min(dimension.low + index * dimension.step, dimension.high) for index in range(count)]


def _x(share: float) -> float:
    return round(_EDGE + (_WIDTH - 2 * _EDGE) * min(max(share, 0.0), 1.0), 1)


def _where(dimension: AnyDimension, listed: Sequence[ParamValue] | None, value: ParamValue) -> float:
    if isinstance(dimension, Float | Int):
        return place(dimension, float(value))  # type: ignore[arg-type]  # a number's
    values = list(listed or ())
    return (values.index(value) + 0.5) / len(values) if value in values else 0.5


def _bars(dimension: AnyDimension, listed: Sequence[ParamValue]) -> str:
    likely = shares(dimension, listed)
    tallest = max(likely)
    width = max(1.5, min(14.0, 0.55 * (_WIDTH - 2 * _EDGE) / len(listed)))
    return "".join(
        f'<rect class="is-density" x="{_x(_where(dimension, listed, value)) - width / 2:.1f}" '
        f'y="{_BASE - 18 * share / tallest:.1f}" width="{width:.1f}" height="{18 * share / tallest:.1f}"/>'
        for value, share in zip(listed, likely, strict=True)
    )


def _box(dimension: AnyDimension) -> str:
    if not isinstance(dimension, Float | Int):
        return ""
    ticks = "".join(f"M{_x(place(dimension, each))} {_BASE}v-18" for each in _ticks(dimension))
    box = f'<rect class="is-density" x="{_EDGE}" y="{_BASE - 12}" width="{_WIDTH - 2 * _EDGE}" height="12"/>'
    return f'{box}<path class="is-grid" d="{ticks}"/>'


def _ticks(dimension: Float | Int) -> list[float]:
    """Return where ruled paper of this scale has its lines: they crowd where the scale is dense."""
    low, high = float(dimension.low), float(dimension.high)
    if not math.isfinite(high - low) or low == high:
        return []
    if dimension.scale is Scale.LINEAR:
        return [low + (high - low) * index / 10 for index in range(11)]
    ends = {
        Scale.LOG: (low, high),
        Scale.REVERSE_LOG: (1 - high, 1 - low),
        Scale.VERTEX_REVERSE_LOG: (low, high),
    }[dimension.scale]
    first, last = math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1]))
    steps = range(1, 10) if last - first <= _DECADES else (1,)
    if last - first > 5 * _DECADES:
        return []
    raw = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
    inside = [each for each in raw if ends[0] <= each <= ends[1]]
    if dimension.scale is Scale.LOG:
        return inside
    return [(1 if dimension.scale is Scale.REVERSE_LOG else low + high) - each for each in inside]


def _dot(dimension: AnyDimension, listed: Sequence[ParamValue] | None, value: ParamValue) -> str:
    return f'<circle class="is-sample" cx="{_x(_where(dimension, listed, value))}" cy="{_BASE + 4}" r="2.2"/>'


def _half(dimension: AnyDimension) -> str:
    """Say where the middle of the scale is, where that is not the middle of the numbers."""
    if not isinstance(dimension, Float | Int) or dimension.scale is Scale.LINEAR:
        return ""
    middle = value_at(dimension, 0.5)
    return f"half below {_word(round(middle) if isinstance(dimension, Int) else middle)} · "


def _word(value: ParamValue) -> str:
    words = value_words(float(f"{value:.3g}") if isinstance(value, float) else value)
    return words if len(words) <= 2 * _WORDS else words[: 2 * _WORDS - 1] + "…"
