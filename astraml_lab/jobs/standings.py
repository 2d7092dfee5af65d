"""Who is the best: by its own value or, once the best have run again, by the mean of its runs."""

from __future__ import annotations

import heapq
import math
import statistics
from typing import TYPE_CHECKING

from astraml_lab.spec import Confirmed, TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import TrialView


class Standings:
    """The values of a search with one objective, and those of the runs that confirm its trials.

    The winner has the best mean of its runs. Those take part that ran again, and the best ones that did not
    yet; further down, a single value is more luck than merit. Who failed to run again does not win against
    one that did.

    Args:
        maximize: Whether larger is better.
    """

    def __init__(self, *, maximize: bool) -> None:
        self._sign = 1.0 if maximize else -1.0
        self._alone: dict[int, float] = {}
        self._more: dict[int, list[float]] = {}
        self._failed: set[int] = set()
        self._broke: set[int] = set()
        self._winner: dict[int, int | None] = {}

    def ended(self, trial: TrialView, value: float | None) -> None:
        """Take in a trial that ended.

        Args:
            trial: The trial.
            value: Its value, where it is COMPLETE and keeps to the job's constraints.
        """
        self._winner.clear()
        number = trial.confirms
        if number is None:
            if value is not None:
                self._alone[trial.number] = value
        elif value is not None:
            self._more.setdefault(number, []).append(value)
        elif trial.state is not TrialState.STOPPED:
            self._failed.add(number)
            if trial.state is TrialState.COMPLETE and trial.values is not None:
                self._broke.add(number)

    def top(self, count: int) -> dict[int, float]:
        """Return the best trials and their values, the best first; of equal ones those that ended first."""
        if not count:
            return {}
        return dict(heapq.nlargest(count, self._alone.items(), key=lambda item: self._sign * item[1]))

    def unconfirmed(self, count: int) -> tuple[int, ...]:
        """Return those of the best that are still to run again."""
        done = self._more.keys() | self._failed
        return tuple(number for number in self.top(count) if number not in done)

    def broke(self, number: int) -> bool:
        """Whether a trial ran again and violated a constraint, and no other run of it kept to them all."""
        return number in self._broke and number not in self._more

    def confirmed(self, number: int) -> Confirmed | None:
        """Return what the runs of a trial say together; `None` where there is only its own."""
        if number not in self._more or number not in self._alone:
            return None
        alone = self._alone[number]
        runs = [alone, *self._more[number]]
        error = statistics.stdev(runs) / math.sqrt(len(runs))
        return Confirmed(alone, _mean(runs), error, len(runs))

    def winner(self, count: int) -> int | None:
        """Return the best trial of those that ran again and of the `count` best; `None` where none did."""
        if count not in self._winner:
            self._winner[count] = self._find_winner(count)
        return self._winner[count]

    def _find_winner(self, count: int) -> int | None:
        ran_again = [number for number in self._more if number in self._alone]
        if not ran_again:
            return None
        best = self.top(max(count, len(ran_again)))
        rivals = [number for number in best if number in self._more or number not in self._failed]
        return max(dict.fromkeys([*rivals, *ran_again]), key=lambda number: self._sign * self._mean(number))

    def _mean(self, number: int) -> float:
        return _mean([self._alone[number], *self._more.get(number, ())])


def _mean(values: Sequence[float]) -> float:
    return float(statistics.mean(values))  # fmean's sum overflows near the largest number
