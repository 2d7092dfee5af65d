"""Every combination of a finite space, once: the tree of its conditions, not the product of its names."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from astraml_lab.spec import DEFINITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from astraml_lab.spec import ParamValue, Space

Point = dict[str, "ParamValue"]


class Grid:
    """The combinations of a space in natural order, the last name changing fastest; nothing is materialised.

    Args:
        space: The space.
        values: Every value of each dimension, in order.
    """

    def __init__(self, space: Space, values: Mapping[str, Sequence[ParamValue]]) -> None:
        self._space = space
        self._values = values
        self._order = [name for name, _ in space.parents_first()]

    def __iter__(self) -> Iterator[tuple[Point, tuple[str, ...]]]:
        """Yield each combination with every name, inactive ones as `None`, and the names that are active."""
        return self._below(0, dict.fromkeys(self._space.names()), ())

    def _below(
        self, depth: int, point: Point, active: tuple[str, ...]
    ) -> Iterator[tuple[Point, tuple[str, ...]]]:
        if depth == len(self._order):
            yield point, active
            return
        name = self._order[depth]
        if not self._space.is_active(name, point):
            yield from self._below(depth + 1, point, active)
            return
        for value in self._values[name]:
            yield from self._below(depth + 1, {**point, name: value}, (*active, name))


def grid_points(
    space: Space, values: Mapping[str, Sequence[ParamValue]], turns: Sequence[str] = ()
) -> Iterator[tuple[Point, tuple[str, ...]]]:
    """Yield the combinations of a grid; definitions that take turns do so as long as they have any left."""
    parts = [{**values, DEFINITION: (name,)} for name in turns] or [dict(values)]
    left = deque(iter(Grid(space, part)) for part in parts)
    while left:
        walk = left.popleft()
        for found in walk:
            yield found
            left.append(walk)
            break


class GridWalk:
    """The points of a grid that no trial had yet, whoever asked for it; points as Optuna takes them."""

    def __init__(self, points: Iterator[Mapping[str, Any]]) -> None:
        self._points = points
        self._tried: set[frozenset[tuple[str, Any]]] = set()
        self._next: Mapping[str, Any] | None = None

    def tried(self, point: Mapping[str, Any]) -> None:
        """Leave a point out from now on."""
        self._tried.add(frozenset(point.items()))

    def peek(self) -> dict[str, Any] | None:
        """Return the next point, the same one until it is tried, or `None` after the last."""
        while self._next is None or frozenset(self._next.items()) in self._tried:
            self._next = next(self._points, None)
            if self._next is None:
                return None
        return dict(self._next)
