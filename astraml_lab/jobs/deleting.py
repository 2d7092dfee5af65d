"""Deleting a job: which of its generations stands in the way, and how much goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from astraml_lab.errors import Conflict
from astraml_lab.jobs.naming import tune_line
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.store import GenerationRecord, Store


class Deleted(NamedTuple):
    """What went with a job.

    Attributes:
        generations: How many searches had its name.
        finished: How many trials of theirs had ended.
    """

    generations: int
    finished: int


def weigh(store: Store, generations: Sequence[GenerationRecord]) -> Deleted:
    """Count what would go."""
    finished = sum(view.state.ended for each in generations for view in store.load_trials(each.id))
    return Deleted(len(generations), finished)


def refuse_alive(generation: GenerationRecord, kernel: str) -> None:
    """Refuse to delete what runs.

    Args:
        generation: One of the job's.
        kernel: Who runs it, where that is another kernel.

    Raises:
        Conflict: It has not ended; with what to do first.
    """
    if generation.state.ended or generation.state is JobState.STALE:
        return
    name, project = generation.name, generation.project
    there = f" in kernel {kernel}" if kernel else ""
    if generation.state is JobState.STOPPING:
        line = tune_line("wait", name, project)
        raise Conflict(f"{name} is STOPPING{there}: wait until it has ended (`{line}`), then delete it")
    line = tune_line("stop", name, project)
    raise Conflict(f"{name} is {generation.state}{there}: stop it first (`{line}`)")
