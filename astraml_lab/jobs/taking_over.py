"""How a job goes on in this kernel: by hand, or for something that was asked of it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from astraml_lab.errors import Conflict
from astraml_lab.jobs.code_again import code_of, refuse_imported, refuse_spent
from astraml_lab.jobs.confirming import left_to_confirm, refuse_confirming
from astraml_lab.jobs.stored import read_spec
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.jobs.events import Enqueue, Rerun
    from astraml_lab.jobs.manager import Manager
    from astraml_lab.jobs.owner import Owner


def ask(manager: Manager, owner: Owner, event: Enqueue | Rerun) -> int | None:
    """Have whoever runs the job take in a wish, or go on here for it; return its trial's number.

    Raises:
        InvalidSpec: The wish does not fit the job.
        Conflict: The job cannot go on here; the message says what helps.
    """
    try:
        if owner.alive:
            return event.answer.result() if owner.send(event) else None
    except Conflict:
        owner.settle()
        if owner.alive:
            raise  # it ends, but has not ended yet
    asked = replace(event, answer=Future(), owed=True)
    take_over(manager, owner, None, [asked])
    return asked.answer.result()


def take_over(
    manager: Manager,
    owner: Owner,
    trials: int | None,
    first: Sequence[Enqueue | Rerun] = (),
    *,
    confirm: int | None = None,
) -> None:
    """Go on in this kernel, with the code that its notebook defines.

    Args:
        manager: Owns the runners of this kernel.
        owner: The job's.
        trials: The budget, where it changes.
        confirm: How many of the best run once more, where that changes.
        first: What is asked of it before anything else; without that it goes on as far as the budget reaches.

    Raises:
        Conflict: It cannot; the message says what helps.
    """
    found = owner.stored
    spec, unreadable = read_spec(found)
    if unreadable:
        raise Conflict(f"{found.name} cannot go on: {unreadable}")
    refuse_imported(spec)
    refuse_confirming(spec, confirm)
    spec = spec if confirm is None else spec.model_copy(update={"confirm": confirm})
    views = manager.store.load_trials(found.id)
    used = sum(view.counts for view in views)
    budget = trials or spec.trials
    if not first and not left_to_confirm(found, spec, views):
        refuse_spent(found, spec, used, trials)
    if first and found.state is not JobState.STALE:
        budget = max(1, used)
    again, code = code_of(spec.model_copy(update={"trials": budget}))
    manager.resume(found.id, again, code, first)
