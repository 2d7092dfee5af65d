"""Lets time pass for a job without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.clock import Clock


def let_pass(bench: Bench, seconds: float) -> None:
    """Put the clocks of a bench ahead; they go on from there, and nothing takes it back."""
    for clock in (bench.wiring.clock, bench.store.clock):
        _put_ahead(clock, seconds)


def _put_ahead(clock: Clock, seconds: float) -> None:
    time, monotonic = clock.time, clock.monotonic
    vars(clock).update(time=lambda: time() + seconds, monotonic=lambda: monotonic() + seconds)
