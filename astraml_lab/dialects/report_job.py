"""The part of a report that says what runs here: space, objectives, limits, scripts, inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.spec import StoppingKind, Strategy, format_duration, format_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import Definition, JobSpec, Script

Row = tuple[str, str]
"""What it is about, as code, and words; either may be empty."""


@dataclass(frozen=True)
class StandIn:
    """What runs here in place of an image, algorithm, module or model.

    Attributes:
        words: `here train.py runs`; or what is missing, and what helps.
        there: Whether anything does.
    """

    words: str
    there: bool = True


_STRATEGIES = {
    Strategy.AUTO: "a Gaussian process",
    Strategy.TPE: "a tree-structured Parzen estimator",
    Strategy.RANDOM: "random choice",
    Strategy.GRID: "a grid",
    Strategy.HYPERBAND: "random choice, in brackets",
}
_RULES = {
    StoppingKind.AVERAGES: "trials that are worse than the median of the others end early",
    StoppingKind.DECAY_CURVE: "trials whose curve promises no better best end early",
    StoppingKind.CONVEX: "trials whose curve promises no better best end early",
    StoppingKind.HYPERBAND: "trials get their steps by Hyperband's brackets",
}
_DIMENSIONS = 30


def job_rows(spec: JobSpec, stands: Mapping[str, StandIn]) -> Iterator[Row]:
    """Say what the job is; see `report.report_of`."""
    several = len(spec.definitions) > 1
    for definition in spec.definitions:
        if several:
            yield "", f"Definition {definition.name}:"
        yield from _definition_rows(definition, stands)
    for constraint in spec.subject_to:
        yield constraint.metric, f"has to be {constraint.words}"
    yield "", f"{_budget(spec)}."
    yield "", f"{_search(spec)}."
    ends = "; ".join(_ends(spec))
    if ends:
        yield "", f"The job ends early {ends}."
    if spec.warm_start:
        yield ", ".join(spec.warm_start), "their trials are learnt from first"


def _definition_rows(definition: Definition, stands: Mapping[str, StandIn]) -> Iterator[Row]:
    dimensions = list(definition.space.dimensions.items())
    for name, dimension in dimensions[:_DIMENSIONS]:
        yield f"{name} = {dimension!r}", ""
    if len(dimensions) > _DIMENSIONS:
        yield "", f"… and {len(dimensions) - _DIMENSIONS} more dimensions"
    for objective in definition.objectives:
        yield f"{objective.goal.value} {objective.metric}", ""
    script = definition.program and definition.program.script
    if script:
        yield from _script_rows(script, stands)


def _script_rows(script: Script, stands: Mapping[str, StandIn]) -> Iterator[Row]:
    stand_in = stands.get(script.target)
    yield script.target, (stand_in.words if stand_in.there else "nothing yet") if stand_in else ""
    for name, channel in script.channels.items():
        yield f"{name} ← {channel.uri}", ""
    if script.fixed:
        yield ", ".join(script.fixed), "fixed"


def _budget(spec: JobSpec) -> str:
    parts = [_count(spec.trials, "trial")]
    parts += [f"{spec.parallel} at once"] if spec.parallel else []
    if spec.gpus is not None:
        gpus = f"{format_number(spec.gpus)} GPU{'' if spec.gpus <= 1 else 's'} each"
        parts.append(gpus if spec.gpus else "on the CPU")
    if spec.trial_timeout is not None:
        parts.append(f"each at most {format_duration(spec.trial_timeout)}")
    return ", ".join(parts)


def _search(spec: JobSpec) -> str:
    parts = [f"Points are proposed by {_STRATEGIES.get(spec.strategy, spec.strategy.value)}"]
    parts += [_RULES[spec.stopping.kind]] if spec.stopping else []
    parts += [f"seed {spec.seed}"] if spec.seed is not None else []
    return "; ".join(parts)


def _ends(spec: JobSpec) -> Iterator[str]:
    limits = spec.limits
    if spec.max_runtime is not None:
        yield f"after {format_duration(spec.max_runtime)}"
    if spec.target is not None:
        yield f"once the objective reaches {format_number(spec.target)}"
    if spec.max_no_improvement is not None:
        yield f"after {_count(spec.max_no_improvement, 'trial')} without a better best"
    if limits.max_seconds_without_progress is not None:
        yield f"when the best is {format_duration(limits.max_seconds_without_progress)} old"
    if spec.max_failures is not None:
        yield f"at {_count(spec.max_failures, 'failed trial')}"


def _count(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number} {word}s"
