"""Values that are asked for a quantile again and again while some are added."""

from __future__ import annotations

from array import array
from bisect import insort
from math import nan

MANY_NEW = 32  # from here on sorting a column anew is cheaper than inserting one by one


class Column:
    """The values of the completed trials at one step: in order up to `_settled`, then as they came."""

    __slots__ = ("_limit", "_settled", "values")

    def __init__(self) -> None:
        self.values = array("d")
        self._settled = 0
        self._limit = nan

    def limit(self, quantile: float) -> float:
        """Return the column's quantile, worked out once per change; a column is always asked for the same."""
        if self._settled < len(self.values):
            self._settle()
            self._limit = quantile_of(self.values, quantile)
        return self._limit

    def _settle(self) -> None:
        new = self.values[self._settled :]
        if len(new) > MANY_NEW:
            self.values = array("d", sorted(self.values))
        else:
            del self.values[self._settled :]
            for value in new:
                insort(self.values, value)
        self._settled = len(self.values)


def quantile_of(ordered: array[float], quantile: float) -> float:
    """Interpolate as `numpy.percentile` does, to its last bit: a tie must be a tie for both."""
    top = len(ordered) - 1
    position = top * quantile
    index = min(int(position), top)
    low, high = ordered[index], ordered[min(index + 1, top)]
    part = position - index
    step = high - low
    return high - step * (1 - part) if part >= 0.5 else low + step * part  # noqa: PLR2004 - numpy's own switch
