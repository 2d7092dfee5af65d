"""By which rule the trials of a job are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.metrics import Board, HalvingRule, OutlookRule, PruneRule
from astraml_lab.spec import Pruning, Select, StoppingKind, StoppingRule, Strategy

if TYPE_CHECKING:
    from astraml_lab.metrics import Rule
    from astraml_lab.spec import JobSpec

RULES: dict[Pruning, Rule] = {
    Pruning.AUTO: OutlookRule(),
    Pruning.OFF: PruneRule("off"),
    Pruning.MEDIAN: PruneRule("median"),
    Pruning.PERCENTILE: PruneRule("percentile"),
    Pruning.ASHA: HalvingRule(),
    Pruning.HYPERBAND: StoppingRule(kind=StoppingKind.HYPERBAND),
}
"""The rule that each `--prune` stands for."""
NEVER_PRUNED = {"prune": Pruning.OFF, "strategy": Strategy.RANDOM, "stopping": None}
"""The board of the trials that confirm others: `--patience` is all that ends one early, as it ended those."""


def board_of(spec: JobSpec) -> Board | None:
    """Return the board of a job with one objective; a Pareto job and a single run are not pruned.

    A vendor's rule goes by the first objective also where there are several.
    """
    if not spec.objectives or (spec.pareto and spec.stopping is None):
        return None
    objective = spec.objectives[0]
    return Board(objective.metric, maximize=objective.maximize, rule=_rule_of(spec), patience=spec.patience)


def _rule_of(spec: JobSpec) -> Rule:
    if spec.stopping is not None:
        return spec.stopping
    if spec.prune is Pruning.AUTO and spec.strategy is not Strategy.HYPERBAND:
        return OutlookRule(best=spec.select is Select.BEST)
    return RULES[Pruning.HYPERBAND if spec.strategy is Strategy.HYPERBAND else spec.prune]
