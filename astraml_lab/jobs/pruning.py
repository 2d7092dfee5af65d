"""By which rule the trials of a job are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.metrics import Board, DominanceRule, FrontBoard, HalvingRule, OutlookRule, PruneRule
from astraml_lab.search.curves import joined
from astraml_lab.spec import Pruning, Select, StoppingKind, StoppingRule, Strategy, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.metrics import Rule
    from astraml_lab.spec import JobSpec

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


def rows_of_several(
    spec: JobSpec, state: TrialState, points_of: Callable[[str], Sequence[tuple[float, float]]]
) -> list[list[float]]:
    """Return what the search learns of a trial's curves where there are several objectives.

    Args:
        spec: The job's.
        state: How the trial ended.
        points_of: The steps and values of a metric.
    """
    if not spec.pareto or state not in {TrialState.COMPLETE, TrialState.PRUNED}:
        return []
    return joined([points_of(objective.metric) for objective in spec.objectives])


def _rule_of(spec: JobSpec) -> Rule:
    if spec.stopping is not None:
        return spec.stopping
    prune = Pruning.HYPERBAND if spec.strategy is Strategy.HYPERBAND else spec.prune
    return OutlookRule(best=spec.select is Select.BEST) if prune is Pruning.AUTO else RULES[prune]
