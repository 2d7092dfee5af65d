"""Which ended trials keep their checkpoints: `--keep-checkpoints auto | all | none | best:3 | last:3`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.jobs.constraints import keeps_to
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Collection

    from astraml_lab.spec import JobSpec, TrialView


class Keeper:
    """Says, at each end of a trial, whose checkpoint may go; touched by one runner.

    A trial that confirms another keeps its own only with `all` and `auto`.

    With several objectives `best:N` keeps the whole front: no trial on it is better than another. `auto`
    keeps all, but for what a pruned fine-tuning has saved to go on from: it is several times its model, and
    nothing goes on from it.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._rule, _, count = spec.keep_checkpoints.partition(":")
        self._count = int(count or 0)
        if self._rule == "best":  # any of those that run again may win
            self._count = max(self._count, spec.confirm)
        self._pareto = spec.pareto
        programs = {each.name: each.program for each in spec.definitions}
        self._finetunes = {name for name, each in programs.items() if each and each.kind == "finetune"}
        self._sign = -1.0 if spec.objectives and spec.objectives[0].maximize else 1.0
        self._kept: dict[int, TrialView] = {}

    def ended(self, trial: TrialView, front: Collection[int]) -> tuple[int, ...]:
        """Take in a trial that ended.

        Args:
            trial: The trial.
            front: The best trial's number, or those on the Pareto front, this trial considered.

        Returns:
            The trials whose checkpoints nobody needs any more.
        """
        if self._rule == "all":
            return ()
        if self._rule == "auto":
            given_up = trial.state is TrialState.PRUNED and trial.values is None
            return (trial.number,) if given_up and trial.definition in self._finetunes else ()
        if trial.confirms is not None:
            return (trial.number,)
        self._kept[trial.number] = trial
        keep = self._worth_keeping(front)
        gone = tuple(number for number in self._kept if number not in keep)
        for number in gone:
            del self._kept[number]
        return gone

    def _rank(self, trial: TrialView) -> tuple[bool, float, int]:
        """Return what the best come first by: whoever violates a constraint stands behind all that do not."""
        value = trial.values[0] if trial.values else 0.0
        return not keeps_to(self._spec, trial), self._sign * value, trial.number

    def _worth_keeping(self, front: Collection[int]) -> set[int]:
        if self._rule == "none":
            return set()
        if self._rule == "last":
            return set(list(self._kept)[-self._count :])
        if self._pareto:
            return set(front)
        complete = [t for t in self._kept.values() if t.state is TrialState.COMPLETE and t.values]
        ranked = sorted(complete, key=self._rank)
        return {t.number for t in ranked[: self._count]}
