"""Bringing back the trials of an earlier run of a job, and what its board and its search knew of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab.jobs.constraints import is_no_measure, missed
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.jobs.pruning import rows_of_several
from astraml_lab.metrics import FrontBoard
from astraml_lab.search import Ended, Told
from astraml_lab.spec import FailureKind, TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.jobs.runner import Runner
    from astraml_lab.metrics import Board
    from astraml_lab.search import Searcher
    from astraml_lab.spec import TrialView

_PLACE_LOST = "its place in the search was lost with a damaged part of the store"
_CUT_SHORT = frozenset({TrialState.PRUNED, TrialState.STOPPED})


def restore(runner: Runner, searcher: Searcher, views: Sequence[TrialView]) -> None:
    """Bring back the trials of an earlier run, before the runner starts.

    Args:
        runner: Their new runner.
        searcher: Its search, as the storage had it.
        views: The trials, as the store has them.
    """
    held = {proposal.number for proposal in searcher.restore()} if views else set()
    _relearn(runner, searcher, held, views)
    for found in views:
        view = found
        if not view.state.ended and view.number not in held:
            if view.number >= searcher.count:
                continue  # its start was never committed: as if it had not been asked for
            view = replace(view, state=TrialState.FAILED, kind=FailureKind.STALE, reason=_PLACE_LOST)
            runner.record.save(searcher, view)
        trial = LiveTrial.restored(view)
        runner.live.add(trial)
        runner.restore(trial, was_running=view.state is TrialState.RUNNING)
        if runner.live.board is not None and view.confirms is None:
            _remind(runner, runner.live.board, view)
    if views:
        runner.criteria.resumed(views, runner.record.ran_before)


def _remind(runner: Runner, board: Board | FrontBoard, view: TrialView) -> None:
    """Tell the board of a trial that it goes by."""
    if not board.goes_by(view.state) or is_no_measure(runner.record.spec, view.state, view.metrics):
        return
    complete, cut_short = view.state is TrialState.COMPLETE, view.state in _CUT_SHORT
    if isinstance(board, FrontBoard):
        reports: dict[int, dict[str, float]] = {}
        for objective in runner.record.spec.objectives:
            for step, value in runner.record.stored_points(view.number, objective.metric):
                reports.setdefault(int(step), {})[objective.metric] = value
        board.restore(view.number, sorted(reports.items()), complete=complete)
        return
    curve = ((int(step), value) for step, value in runner.record.stored_points(view.number, board.metric))
    seconds = view.runtime(view.ended_at or view.created_at)
    board.restore(view.number, curve, complete=complete, cut_short=cut_short, seconds=seconds)


def _relearn(runner: Runner, searcher: Searcher, held: set[int], views: Sequence[TrialView]) -> None:
    """Tell the search what it has lost of its journal: the trials table is the truth."""
    lost = [v for v in views if v.state.ended and (v.number in held or v.number >= searcher.count)]
    if not lost:
        return
    record = runner.record
    told = (
        Told(
            view.state,
            view.values,
            record.stored_points(view.number),
            missed(record.spec, view),
            rows_of_several(record.spec, view.state, partial(record.stored_points, view.number)),
        )
        for view in lost
    )
    searcher.adopt({view.number: Ended(view.params, how) for view, how in zip(lost, told, strict=True)})
    held.difference_update(view.number for view in lost)
    record.remark(f"the search learned {len(lost)} trials again: the store was damaged")
