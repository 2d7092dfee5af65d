"""From a specification to a plan for this machine, and how it compares with what the store has."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from astraml_lab.devices import LeaseRequest
from astraml_lab.errors import Conflict, InvalidSpec, Problem
from astraml_lab.jobs.confirming import left_to_confirm
from astraml_lab.jobs.naming import made_up_name
from astraml_lab.jobs.stored import read_spec
from astraml_lab.objectives import ScriptCode, travel
from astraml_lab.objectives.fingerprint import SCRIPT, changed, changed_data, digest
from astraml_lab.search import require_sampler, sampler_problems, space_problems, strategy_notes
from astraml_lab.spec import ExecutorKind, JobState
from astraml_lab.store import name_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.devices import Pool
    from astraml_lab.objectives.base import Code
    from astraml_lab.spec import Definition, JobSpec, TrialView
    from astraml_lab.store import GenerationRecord

SPACE = "the space"
OBJECTIVES = "the objectives"
CONSTRAINTS = "the constraints"
_SINGLE = "no search space: one trial"
_NO_GPU = "no GPU here: trials run on the CPU"
_SEEDED = (
    "seeded: the search, trial.seed, trial.generator and trial.rng; torch's global seed is shared by threads"
)
_NAMED = 5
"""So many values that are not compared are named."""
_SEEDED_ALL = "seeded: the search and, in each trial's process, Python, numpy and torch"


@dataclass(frozen=True)
class Plan:
    """A launch, completed for this machine."""

    spec: JobSpec
    code: Code
    request: LeaseRequest
    fingerprint: dict[str, str]
    notes: tuple[str, ...] = ()

    def stored(self) -> dict[str, str]:
        """Return what the store keeps of it."""
        return {"spec": self.spec.model_dump_json(), "fingerprint": json.dumps(self.fingerprint)}

    def renamed(self) -> Plan:
        """Return the plan under another made-up name."""
        return replace(self, spec=self.spec.model_copy(update={"name": made_up_name()}))

    def noting(self, *notes: str) -> Plan:
        """Return the plan with more to say on the job's line, first."""
        return replace(self, notes=(*notes, *self.notes))


def make_plan(spec: JobSpec, code: Code, pool: Pool) -> Plan:
    """Fill in what depends on this machine and on the code.

    Raises:
        InvalidSpec: The search or the devices cannot be had, or the code cannot travel to processes.
        MissingExtra: The strategy needs a library that is not installed.
    """
    definition = spec.search
    apart = spec.executor is ExecutorKind.PROCESSES
    problems = [*space_problems(spec.space), *sampler_problems(spec.strategy, definition)]
    request = _request(spec, pool)
    refused = pool.refuse_reason(request)
    if refused:
        problems.append(Problem("gpus", f"{request.gpus:g}", refused) if request.gpus else Problem(refused))
    if problems:
        raise InvalidSpec(problems)
    require_sampler(spec.strategy)
    single = not len(spec.space) and "suggest_" not in code.program.source
    parallel = 1 if single else spec.parallel or max(1, pool.slots(request))
    update: dict[str, Any] = {
        "name": spec.name or made_up_name(),
        "definitions": _programmed(spec, code),
        "parallel": parallel,
        "trials": 1 if single else spec.trials,
    }
    notes = [_SINGLE] if single else []
    notes += [_NO_GPU] if (spec.gpus or spec.devices) and not pool.devices() else []
    notes += [_SEEDED_ALL if apart else _SEEDED] if spec.seed is not None else []
    notes += travel.check(code, spec.space).notes if apart else ()
    notes += strategy_notes(spec.strategy, definition, spec.trials, limited=bool(spec.subject_to))
    planned, request = spec.model_copy(update=update), replace(request, parallel=parallel)
    return Plan(planned, code, request, fingerprint(spec, code), tuple(notes))


def _programmed(spec: JobSpec, code: Code) -> tuple[Definition, ...]:
    """Return the definitions with what they run."""
    if isinstance(code, ScriptCode):
        return code.definitions
    if len(spec.definitions) > 1:
        return spec.definitions
    return (spec.definitions[0].model_copy(update={"program": code.program}),)


def fingerprint(spec: JobSpec, code: Code) -> dict[str, str]:
    """Return what makes two runs the same job, by readable part."""
    space = json.dumps(spec.space.model_dump(mode="json"), sort_keys=True)
    objectives = json.dumps([objective.model_dump(mode="json") for objective in spec.objectives])
    parts = {**code.fingerprint(), SPACE: digest(space), OBJECTIVES: digest(objectives)}
    if spec.subject_to:
        parts[CONSTRAINTS] = digest("; ".join(sorted(map(str, spec.subject_to))))
    return parts


def is_same(known: Mapping[str, str], plan: Plan) -> bool:
    """Whether a job's fingerprint is that of the planned search."""
    return not changed(known, plan.fingerprint)


def difference(found: GenerationRecord, plan: Plan) -> str:
    """Say what makes the plan another search than the stored one; empty if it is the same."""
    stored = json.loads(found.fingerprint)
    differences = changed(stored, plan.fingerprint)
    if differences:
        return "changed " + ", ".join(_with_exchanged_scripts(differences, stored, plan.fingerprint))
    return "started over" if plan.spec.new else ""


def _with_exchanged_scripts(parts: list[str], old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Say of another script than before whose place it takes: neither of the two has changed."""
    scripts = [part for part in parts if part.startswith(SCRIPT)]
    come = [part.removeprefix(SCRIPT) for part in scripts if part not in old]
    gone = [part.removeprefix(SCRIPT) for part in scripts if part not in new]
    if not (come and gone):
        return parts
    said = f"what runs: {', '.join(come)} in place of {', '.join(gone)}"
    return [*(part for part in parts if part not in scripts or (part in old and part in new)), said]


def _other_data(found: GenerationRecord, plan: Plan) -> str:
    """Say which data are not what the search began with; empty if all are."""
    names = changed_data(json.loads(found.fingerprint), plan.fingerprint)
    return f"other data than it began with: {_some(names)}" if names else ""


def _not_compared(code: Code) -> str:
    """Name what may have changed without the job being another; empty if there is nothing."""
    return f"not compared: {_some(code.uncompared)}" if code.uncompared else ""


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join([*names[:_NAMED], *([f"{more} more"] if more > 0 else [])])


def _late_warm_start(found: GenerationRecord, plan: Plan) -> str:
    """Say which jobs `--warm-start` names too late; empty if the search began with them all."""
    begun_with = {name_key(name) for name in read_spec(found)[0].warm_start}
    late = [name for name in plan.spec.warm_start if name_key(name) not in begun_with]
    return f"it had begun before --warm-start {','.join(late)} was asked for" if late else ""


def unfollowed(found: GenerationRecord, plan: Plan) -> tuple[str, ...]:
    """Say what a cell that was run again asks for, or may, and does not get while it is the same search."""
    said = (_other_data(found, plan), _not_compared(plan.code), _late_warm_start(found, plan))
    return tuple(filter(None, said))


def attached(found: GenerationRecord, plan: Plan) -> str:
    """Return a sentence of that for a cell that shows a job again; empty if there is nothing to say."""
    missed = "; ".join(unfollowed(found, plan))
    same = f"{found.name}: the same search as before, not started anew"
    return f"{same}. {missed[0].upper()}{missed[1:]}; `--new` starts over." if missed else ""


def refuse_missing_names(found: GenerationRecord, plan: Plan) -> None:
    """Tell a cell whose helpers are not defined yet from one that was changed.

    Raises:
        Conflict: It is the same text as before, but the kernel lacks names that it used then.
    """
    before = read_spec(found)[0].definitions[0].program
    now = plan.code.program
    if before is None or before.kind != now.kind or before.source != now.source:
        return
    missing = [name for name in before.names if name not in now.names]
    if missing and not plan.spec.new:
        raise Conflict(f"first run the cells that define {', '.join(missing)}: {found.name} used them before")


def goes_on(found: GenerationRecord, plan: Plan, views: Sequence[TrialView]) -> bool:
    """Whether launching the same search again means more trials, rather than showing what there is.

    A job that ended well goes on when `--trials` grew, or to confirm the best. One that failed, was stopped
    or lost its kernel goes on while its budget is not used up.
    """
    used = sum(view.counts for view in views)
    if left_to_confirm(found, plan.spec, views):
        return True
    if found.state is JobState.SUCCEEDED:
        return plan.spec.trials > max(used, read_spec(found)[0].trials)
    return found.state is JobState.STALE or plan.spec.trials > used


def _request(spec: JobSpec, pool: Pool) -> LeaseRequest:
    apart = spec.executor is ExecutorKind.PROCESSES
    if not pool.devices():
        return LeaseRequest("", 0.0, apart=apart)
    gpus = 1.0 if spec.gpus is None else spec.gpus
    return LeaseRequest("", gpus, spec.devices, spec.reserve, apart=apart)
