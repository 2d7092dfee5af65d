"""By which rule the trials of a job are given up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from astraml_lab.metrics import Board, DominanceRule, FrontBoard, HalvingRule, OutlookRule, PruneRule
from astraml_lab.spec import Pruning, Select, StoppingKind, StoppingRule, Strategy, TrialState

if TYPE_CHECKING:
    from astraml_lab.metrics import Rule
    from astraml_lab.spec import JobSpec, TrialView

RULES: dict[Pruning, Rule] = {
    Pruning.OFF: PruneRule("off"),
    Pruning.MEDIAN: PruneRule("median"),
    Pruning.PERCENTILE: PruneRule("percentile"),
    Pruning.ASHA: HalvingRule(),
    Pruning.HYPERBAND: StoppingRule(kind=StoppingKind.HYPERBAND),
}
"""The rule that each `--prune` but `auto` stands for, by the reports of one objective."""
RULES_OF_SEVERAL: dict[Pruning, DominanceRule] = {Pruning.AUTO: DominanceRule()}
"""The rule by the reports of several objectives together; `--prune off` alone has none."""
NEVER_PRUNED = {"prune": Pruning.OFF, "strategy": Strategy.RANDOM, "stopping": None}
"""The board of the trials that confirm others: `--patience` is all that ends one early, as it ended those."""


def board_of(spec: JobSpec) -> Board | FrontBoard | None:
    """Return what decides on a job's reports: on one objective's, or on those of all together.

    A vendor's rule goes by the first objective also where there are several. A single run is not pruned.
    """
    if not spec.objectives:
        return None
    if spec.pareto and spec.stopping is None and spec.prune_on is None:
        rule = RULES_OF_SEVERAL.get(spec.prune)
        return None if rule is None else FrontBoard(spec.objectives, rule)
    by = spec.prune_on or spec.objectives[0].metric
    objective = next(each for each in spec.objectives if each.metric == by)
    return Board(by, maximize=objective.maximize, rule=_rule_of(spec), patience=spec.patience)


def shown_when_pruned(spec: JobSpec, view: TrialView) -> tuple[float, ...] | None:
    """Return what the objectives of a pruned trial were by then; None unless all of several are known."""
    if view.state is not TrialState.PRUNED or not spec.pareto:
        return None
    values = tuple(view.metrics.get(objective.metric, math.nan) for objective in spec.objectives)
    return values if all(map(math.isfinite, values)) else None


def _rule_of(spec: JobSpec) -> Rule:
    if spec.stopping is not None:
        return spec.stopping
    prune = Pruning.HYPERBAND if spec.strategy is Strategy.HYPERBAND else spec.prune
    return OutlookRule(best=spec.select is Select.BEST) if prune is Pruning.AUTO else RULES[prune]
