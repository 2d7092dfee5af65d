"""Finished trials of elsewhere that a new search starts from.

They stand in Optuna's study before the job's own trials and teach its sampler; they use up nothing: no
number, no budget, no point of a grid, no place in a quasi-random sequence.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from optuna.samplers import NSGAIISampler
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from astraml_lab.search.curves import thinned
from astraml_lab.search.fitting import Fitting, Misfit
from astraml_lab.search.proposals import WARM, Warmed
from astraml_lab.search.samplers import SLOW_GP, SLOW_TPE
from astraml_lab.spec import Strategy, TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.trial import FrozenTrial

    from astraml_lab.search.distributions import Coding
    from astraml_lab.search.proposals import Past
    from astraml_lab.spec import Definition, ParamValue

_LIMITS = {Strategy.GP: SLOW_GP}
_STATES = {TrialState.COMPLETE: OptunaState.COMPLETE, TrialState.PRUNED: OptunaState.PRUNED}


def count_warm(trials: Sequence[FrozenTrial]) -> int:
    """Return how many trials of a study come from elsewhere: they are its first."""
    return next((i for i, trial in enumerate(trials) if WARM not in trial.user_attrs), len(trials))


def warm_trials(
    past: Sequence[Past], definition: Definition, codings: Mapping[str, Coding], strategy: Strategy
) -> tuple[list[FrozenTrial], Warmed]:
    """Turn what fits a definition into trials for its study, and count by reason what does not.

    Of more than a strategy can learn from, the last are taken.
    """
    fitting = Fitting(definition.space, codings)
    taken: list[FrozenTrial] = []
    left_out: Counter[str] = Counter()
    limit = _LIMITS.get(strategy, SLOW_TPE)
    for one in reversed(past):
        try:
            _refuse_unfinished(one, definition)
            _refuse_unmeasured(one, strategy)
            params = fitting.fit(one.params)
        except Misfit as reason:
            left_out[str(reason)] += 1
            continue
        if len(taken) == limit:
            left_out[f"beyond the last {limit}"] += 1
        else:
            taken.append(_trial(one, params, codings, strategy))
    return taken[::-1], Warmed(len(taken), dict(left_out.most_common()))


def _refuse_unfinished(one: Past, definition: Definition) -> None:
    """Refuse a trial that says nothing about the objectives.

    Raises:
        Misfit: It does not.
    """
    metrics = [objective.metric for objective in definition.objectives]
    if not metrics:
        raise Misfit("nothing is tuned")
    if not len(definition.space):
        raise Misfit("the space shows only as the trials run")
    if one.state not in _STATES:
        raise Misfit(one.state.value.lower())
    if one.state is TrialState.PRUNED:
        if len(metrics) > 1:
            raise Misfit("pruned, where several objectives rank complete trials only")
        known = bool(thinned(one.curve))
    else:
        known = one.values is not None and len(one.values) == len(metrics)
        known = known and all(math.isfinite(value) for value in one.values or ())
    if not known:
        raise Misfit(f"without {' and '.join(metrics)}")


def _refuse_unmeasured(one: Past, strategy: Strategy) -> None:
    """Refuse a trial of which it is not known whether it keeps to the limits, where the sampler has to know.

    Raises:
        Misfit: It is not known.
    """
    if strategy is Strategy.GP and None in one.constraints.values():
        raise Misfit("not known to keep to the limits, which the strategy gp has to know")


def _trial(
    one: Past, params: Mapping[str, ParamValue], codings: Mapping[str, Coding], strategy: Strategy
) -> FrozenTrial:
    complete = one.state is TrialState.COMPLETE
    used = [(codings[name], value) for name, value in params.items()]
    # NSGA-II breeds from trials that belong to a generation; these are of the first
    system: dict[str, Any] = {}
    if complete and strategy is Strategy.NSGA2:
        system = {NSGAIISampler._get_generation_key(): 0}  # noqa: SLF001 - Optuna has no public name for it
    return create_trial(
        state=_STATES[one.state],
        values=one.values if complete else None,
        params={coding.name: coding.to_internal(value) for coding, value in used},
        distributions={coding.name: coding.distribution for coding, _ in used},
        user_attrs={WARM: one.source},
        system_attrs=system,
        # Samplers rank pruned trials by it; of complete ones they look at the values alone
        intermediate_values={} if complete else thinned(one.curve),
        constraints={name: value for name, value in one.constraints.items() if value is not None},
    )
