"""The rule of a schedule: when it runs next, and what came due while nobody looked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.cron import Cron, read_cron
from astraml_lab.dialects.astraml.ticks import latest_ticks, ticks
from astraml_lab.store import NewTick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST = 24
"""So many missed runs are made up for, the latest ones."""


@dataclass(frozen=True)
class Rule:
    """What a request says under `schedule`, with the defaults filled in.

    Attributes:
        text: The five fields, as they were written.
        timezone: The IANA name of the zone that they are read in.
        missed: What is made up for: `skip`, `run_once` (one run for all), `run_all` (the latest 24).
        overlap: What happens while an earlier run goes on: `forbid`, `allow`, `replace`.
        grace: A run that is later than so many seconds is missed.
        start: No tick before that moment.
        end: No tick after that moment.
    """

    text: str
    cron: Cron
    timezone: str = "UTC"
    missed: str = "run_once"
    overlap: str = "forbid"
    grace: float = 300.0
    start: float = float("-inf")
    end: float = float("inf")

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Rule:
        """Read a rule that was checked when it was stored.

        Raises:
            BadCron: It was not.
        """
        found: dict[str, Any] = {field: said[word] for word, field in _FIELDS.items() if word in said}
        for bound in _BOUNDS & said.keys():
            found[bound] = datetime.fromisoformat(said[bound]).timestamp()
        return cls(said["cron"], _cron(said["cron"]), **found)

    def upcoming(self, after: float) -> Iterator[float]:
        """Yield the ticks after a moment."""
        for tick in ticks(self.cron, self.timezone, max(after, self.start - 1)):
            if tick > self.end:
                return
            if tick >= self.start:
                yield tick

    def next(self, after: float) -> float | None:
        """Return the first tick after a moment, or None where no other one comes."""
        return next(self.upcoming(after), None)

    def due(self, name: str, since: float, now: float) -> tuple[NewTick, ...]:
        """Return what came due after `since` and until `now`, in order.

        Args:
            name: The schedule's name.
            since: Up to when all is dealt with.
            now: This moment.
        """
        after = max(since, self.start - 1)
        found = latest_ticks(self.cron, self.timezone, after, min(now, self.end), MOST + 1)
        found = [tick for tick in found if tick >= self.start]
        missed = [tick for tick in found if now - tick > self.grace]
        on_time = found[len(missed) :][-MOST:]
        runs = [NewTick(key_of(name, tick), tick, run_name(name, tick)) for tick in on_time]
        made_up = self._made_up(name, missed, more=len(found) > MOST)
        if self.missed == "run_once" and made_up and runs:
            # the run that is due is the one for all
            return (replace(runs[0], reason=made_up[0].reason), *runs[1:])
        return (*made_up, *runs)

    def _made_up(self, name: str, missed: Sequence[float], *, more: bool) -> list[NewTick]:
        if not missed:
            return []
        last = missed[-1]
        many = f"{'at least ' if more else ''}{len(missed)} runs were"
        what = "a run was" if len(missed) == 1 else many
        if self.missed == "skip":
            reason = f"{what} missed, the first at {stamp(missed[0])}: no kernel served the schedule"
            return [NewTick(key_of(name, last), last, reason=reason)]
        if self.missed == "run_once":
            reason = f"{what} missed; this one makes up for {'it' if len(missed) == 1 else 'all'}"
            return [NewTick(key_of(name, last), last, run_name(name, last), reason=reason)]
        return [
            NewTick(key_of(name, tick), tick, run_name(name, tick), late=True, reason="late: it was missed")
            for tick in missed[-MOST:]
        ]


_FIELDS = {
    "timezone": "timezone",
    "missed_runs": "missed",
    "overlap": "overlap",
    "misfire_grace_s": "grace",
}
"""What a request's word is called here."""
_BOUNDS = frozenset({"start", "end"})


def key_of(name: str, planned_at: float) -> str:
    """Return what no two runs of a schedule share."""
    return f"cron:{name}:{stamp(planned_at)}"


def run_name(name: str, planned_at: float, *, by_hand: bool = False) -> str:
    """Return the name of a tick's job, nightly-20260131T0200Z; with its seconds where a person asked."""
    moment = datetime.fromtimestamp(planned_at, UTC)
    return f"{name}-{moment:{'%Y%m%dT%H%M%S' if by_hand else '%Y%m%dT%H%M'}}Z"


def stamp(moment: float) -> str:
    """Spell a moment: 2026-01-31T02:00:00Z."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=256)
def _cron(text: str) -> Cron:
    return read_cron(text)
