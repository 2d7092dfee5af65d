"""What other tuners, and other spellings, call the options: for the hint beside one that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.spec.problems import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_GOAL = ("maximize", "minimize")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "maximise": ("maximize",),
    "minimise": ("minimize",),
    "metric": _GOAL,
    "metrics": _GOAL,
    "direction": _GOAL,
    "directions": _GOAL,
    "goal": _GOAL,
    "mode": _GOAL,
    "n_trials": ("trials",),
    "max_trials": ("trials",),
    "num_samples": ("trials",),
    "max_evals": ("trials",),
    "n_jobs": ("parallel",),
    "max_parallel": ("parallel",),
    "workers": ("parallel",),
    "params": ("space",),
    "param_space": ("space",),
    "search_space": ("space",),
    "sampler": ("strategy",),
    "algorithm": ("strategy",),
    "pruner": ("prune",),
    "pruning": ("prune",),
    "timeout": ("max_runtime", "trial_timeout"),
    "study_name": ("name",),
    "job_name": ("name",),
    "early_stopping": ("patience",),
    "constraint": ("subject_to",),
    "constraints": ("subject_to",),
    "constraints_func": ("subject_to",),
    "metric_constraints": ("subject_to",),
}
"""Our options by a name that they have elsewhere."""


def suggested(name: str, known: Collection[str], spelled: Callable[[str], str] = str) -> str:
    """Suggest what a name that is no option may mean: `did you mean "maximize"?`, or nothing.

    Args:
        name: The name, as Python has it.
        known: The options that there are.
        spelled: How an option is written.
    """
    meant = [f'"{spelled(each)}"' for each in SYNONYMS.get(name.lower(), ()) if each in known]
    if meant:
        return f"did you mean {' or '.join(meant)}?"
    said = closest(name, [*known, *(each for each in SYNONYMS if SYNONYMS[each][0] in known)])
    if said in SYNONYMS:
        return suggested(said, known, spelled)
    return f'did you mean "{spelled(said)}"?' if said else ""
