"""The job: what is searched, how, for how long, on what.

`JobSpec` is the one truth behind the magic line, the form, `tune()` and every imported request. The field
docstrings are the help texts of all of them.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from astraml_lab.errors import NotBuiltYet, Problem
from astraml_lab.spec._model import Model
from astraml_lab.spec.constraints import Constraint, constraint_problems, with_common_constraints
from astraml_lab.spec.dimensions import Categorical, Discrete, Float, Int
from astraml_lab.spec.duration import Duration
from astraml_lab.spec.imported import Limits, Origin, Script, StoppingRule
from astraml_lab.spec.merging import common_objectives, merged_space, merging_problems
from astraml_lab.spec.problems import FoundProblems, nearest, shown
from astraml_lab.spec.space import Space

BASE_WINDOW = 30.0
KeepCheckpoints = Annotated[str, Field(pattern=r"^(auto|all|none|(best|last):[1-9][0-9]{0,5})$")]
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class Goal(StrEnum):
    """Which way an objective is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Strategy(StrEnum):
    """How the next point is chosen."""

    AUTO = "auto"
    TPE = "tpe"
    GP = "gp"
    CMAES = "cmaes"
    NSGA2 = "nsga2"
    QMC = "qmc"
    RANDOM = "random"
    GRID = "grid"
    HYPERBAND = "hyperband"


class Pruning(StrEnum):
    """When a trial is given up early."""

    AUTO = "auto"
    OFF = "off"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    ASHA = "asha"
    HYPERBAND = "hyperband"


class ExecutorKind(StrEnum):
    """Where the trials run."""

    THREADS = "threads"
    PROCESSES = "processes"
    RAY = "ray"


class Select(StrEnum):
    """Which report of the objective is the trial's value."""

    LAST = "last"
    BEST = "best"


class Objective(Model):
    """A metric and the direction in which it is better."""

    metric: str = Field(min_length=1, max_length=255)
    goal: Goal

    @property
    def maximize(self) -> bool:
        """Whether larger is better."""
        return self.goal is Goal.MAXIMIZE


class Program(Model):
    """What runs in each trial, as far as text can say it."""

    kind: Literal["cell", "function", "script", "finetune", "notebook"]
    source: str
    names: tuple[str, ...] = ()
    """Notebook names that the code uses: what has to exist before the job can be resumed."""
    objects: tuple[str, ...] = ()
    """Dimensions whose choices are labels of objects, which no store can keep."""
    script: Script | None = None
    """What a script's request says of it; of a notebook, what it is given beside a trial's values."""
    kernel: str = ""
    """The Jupyter kernel of a notebook, where it is another than the notebook names."""


class Definition(Model):
    """One space, its objectives, and the program that they belong to."""

    name: str = "default"
    space: Space = Space({})
    """Empty: a single run."""
    objectives: tuple[Objective, ...] = Field(default=(), max_length=10)
    program: Program | None = None

    @model_validator(mode="after")
    def _check(self) -> Definition:
        metrics = [objective.metric for objective in self.objectives]
        twice = sorted({metric for metric in metrics if metrics.count(metric) > 1})
        if twice:
            raise FoundProblems([Problem("objectives", shown(twice), "each metric may be an objective once")])
        return self


class LaunchOptions(Model):
    """How a job is launched: not part of what it is, so two launches of one job may differ in them."""

    wait: bool | None = None
    """Wait for the end (default: where nobody is at the keyboard)."""
    new: bool = False
    """Start over under the same name."""
    replace: bool = False
    """Stop the running generation of this name and start the changed one."""
    check: bool = False
    """Preflight: validate, sample five configurations, run one step; run nothing more."""
    form: bool = False
    """Open the job as a form instead of running it."""
    dry_run: bool = False
    """Print the job's specification; run nothing."""


class JobSpec(LaunchOptions):
    """A tuning job."""

    name: str | None = None
    """The job's name; running the same named job again attaches to it (default: made up)."""
    project: str = "default"
    """The project that the job belongs to."""
    tag: dict[str, str] = Field(default_factory=dict, title="Tags")
    """A label `key=value`; repeatable."""
    definitions: tuple[Definition, ...] = Field(default=(Definition(),), min_length=1, max_length=10)
    """What is searched; SageMaker's requests may hold several."""
    subject_to: tuple[Constraint, ...] = ()
    """A limit that the best trial keeps to: "latency_ms <= 20", "recall >= 0.9"; repeatable."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """How many trials to run."""
    parallel: Annotated[int, Field(ge=1, le=4096)] | None = Field(default=None, title="Trials at once")
    """How many trials run at once (default: one per GPU, or 1)."""
    gpus: Annotated[float, Field(ge=0, le=1024)] | None = Field(default=None, title="GPUs per trial")
    """GPUs per trial; a fraction packs several trials on one (default: 1 if there is one)."""
    devices: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, title="GPUs to use")
    """The GPUs that may be used, by torch's numbers: 0,2 (default: all)."""
    reserve: Annotated[int, Field(ge=0)] = Field(default=0, title="GPUs kept free")
    """GPUs kept free for your own cells."""

    strategy: Strategy = Strategy.AUTO
    """How the next point is chosen; hyperband draws at random and gives trials up early by its own rule."""
    prune: Pruning = Field(default=Pruning.AUTO, title="Pruning")
    """When a trial is given up early, by its reports of the objective."""
    prune_on: str | None = Field(default=None, title="Pruning goes by")
    """The objective by whose reports a trial is given up (default: the only one, or all of them together)."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """A trial ends itself after this many reports without a better objective (default: never)."""
    target: float | None = None
    """The job ends when the objective reaches this value (default: none)."""
    max_no_improvement: Annotated[int, Field(ge=1)] | None = Field(default=None, title="No improvement")
    """The job ends after this many trials without a better best (default: never)."""
    max_runtime: Duration | None = None
    """The job ends after this time, counted while its trials run: 2h (default: no limit)."""
    trial_timeout: Duration | None = None
    """A trial ends after this time: 10m (default: no limit)."""
    max_failures: Annotated[int, Field(ge=1)] | None = None
    """The job fails after this many failed trials (default: if the first five all fail)."""
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often a failed trial is tried again (default: once if it crashed or its kernel died)."""
    retry_delay: Duration = 1.0
    """How long to wait before a failed trial is tried again; doubles with each try: 10s."""
    confirm: Annotated[int, Field(ge=0, le=1000)] = Field(default=0, title="Confirm the best")
    """The best so many trials run once more, with other seeds, before a winner is named: 3."""
    keep_checkpoints: KeepCheckpoints = "auto"
    """Which trials keep their checkpoints: all, none, best:3, last:3; auto: all but pruned fine-tunings."""
    window: Duration = BASE_WINDOW
    """Length of a metric window: 30s."""
    warm_start: tuple[str, ...] = ()
    """Jobs whose finished trials the search starts from: JOB[,JOB] (default: its own earlier generation)."""
    executor: ExecutorKind = ExecutorKind.THREADS
    """Where the trials run: threads of this kernel, or a clean process each (ray: in a later version)."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the search and of each trial's own generators (default: drawn anew)."""
    select: Select = Field(default=Select.LAST, title="A trial's value")
    """Which report of the objective is the trial's value."""
    on_nan: Literal["fail", "last_finite"] = Field(default="fail", title="On NaN")
    """What a NaN objective means (imported requests carry their vendor's rule)."""
    on_timeout: Literal["fail", "keep_last"] = "fail"
    """What a timeout means (imported requests carry their vendor's rule)."""
    transfer: bool = False
    """Whether the jobs of `warm_start` are of another kind: their objectives count by their ranks alone."""
    stopping: StoppingRule | None = None
    """A vendor's rule for giving up trials, in place of `prune`."""
    limits: Limits = Limits()
    """A vendor's rules for ending the job."""
    origin: Origin | None = None
    """The request that the job was made of."""

    @property
    def search(self) -> Definition:
        """What the sampler sees: the only definition, or all of them merged; see `spec.merging`."""
        if len(self.definitions) == 1:
            return self.definitions[0]
        return Definition(name="all", space=self.space, objectives=self.objectives)

    @property
    def turns(self) -> tuple[str, ...]:
        """Whose turn it is, by the definitions' names; empty where there is only one."""
        return tuple(each.name for each in self.definitions) if len(self.definitions) > 1 else ()

    @property
    def space(self) -> Space:
        """The only definition's space, or the merged one of all."""
        several = len(self.definitions) > 1
        return merged_space(self.definitions) if several else self.definitions[0].space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives, by the names that all definitions use."""
        return common_objectives(self.definitions)

    @property
    def pareto(self) -> bool:
        """Whether there is a front rather than a best."""
        return len(self.objectives) > 1

    @field_validator("name", "project")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and (not _NAME.fullmatch(value) or value != value.strip()):
            raise ValueError("1 to 200 printable characters, no space at either end")
        return value

    @field_validator("window")
    @classmethod
    def _window(cls, value: float) -> float:
        if value != int(value) or 300 % int(value):
            raise ValueError(
                "whole seconds that divide 300 (windows roll up to 5 minutes): 1s, 5s, 30s, 60s …"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _constraints_of_all(cls, given: Any) -> Any:
        return with_common_constraints(given) if isinstance(given, dict) else given

    @field_validator("subject_to", mode="before")
    @classmethod
    def _subject_to(cls, given: Any) -> Any:
        return given if isinstance(given, list | tuple) else (given,)

    @field_validator("prune", mode="before")
    @classmethod
    def _prune(cls, given: Any) -> Any:
        return Pruning.OFF if given is False else given  # YAML reads a bare `off` as False, too

    @field_validator("warm_start", mode="before")
    @classmethod
    def _warm_start(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check(self) -> JobSpec:
        unlike = list(merging_problems(self.definitions))
        if unlike:
            raise FoundProblems(unlike)
        problems = [*self._objective_problems(), *self._search_problems(), *self._device_problems()]
        if problems:
            raise FoundProblems(problems)
        return self

    def _objective_problems(self) -> list[Problem]:
        problems = []
        if not self.objectives and len(self.space):
            problems.append(
                Problem("maximize", "", "name the metric to tune", "--maximize accuracy or --minimize loss")
            )
        if self.target is not None and len(self.objectives) != 1:
            problems.append(Problem("target", shown(self.target), "goes with exactly one objective"))
        problems += [*self._pruning_problems(), *constraint_problems(self.subject_to)]
        if self.subject_to and not self.objectives:
            said = ", ".join(map(str, self.subject_to))
            problems.append(
                Problem("subject_to", shown(said), "goes with an objective: one trial is the best")
            )
        for name in ("patience", "max_no_improvement", "confirm"):
            value = getattr(self, name)
            if value and len(self.objectives) != 1:
                problems.append(Problem(name, shown(value), "goes with exactly one objective"))
        return problems

    def _pruning_problems(self) -> list[Problem]:
        metrics = [objective.metric for objective in self.objectives]
        if self.prune_on is None:
            if not self.pareto or self.prune in {Pruning.AUTO, Pruning.OFF}:
                return []
            allowed = "with several objectives it goes by one of them"
            return [Problem("prune", shown(self.prune), allowed, f"--prune-on {metrics[0]}")]
        given = shown(self.prune_on)
        if self.prune_on not in metrics:
            allowed = f"one of the objectives: {', '.join(metrics)}"
            return [Problem("prune_on", given, allowed, nearest(self.prune_on, metrics))]
        if self.prune is Pruning.OFF or self.stopping is not None:
            why = (
                "--prune off gives nobody up"
                if self.stopping is None
                else "a vendor's rule goes by the first"
            )
            return [Problem("prune_on", given, why, "leave it out")]
        return []

    def _search_problems(self) -> list[Problem]:
        problems = []
        if self.stopping is not None and self.prune not in {Pruning.AUTO, Pruning.OFF}:
            problems.append(Problem("prune", shown(self.prune), "the vendor's own rule stands in its place"))
        elif (
            self.strategy is Strategy.HYPERBAND
            and self.stopping is None
            and self.prune not in {Pruning.AUTO, Pruning.HYPERBAND}
        ):
            problems.append(
                Problem(
                    "prune", shown(self.prune), "--strategy hyperband brings its own pruner", "leave it out"
                )
            )
        if self.strategy is Strategy.GRID:
            problems += grid_problems(self.space)
        return problems

    def _device_problems(self) -> list[Problem]:
        problems = []
        if self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            problems.append(Problem("gpus", shown(self.gpus), "whole, or a fraction of one"))
        if self.devices is not None and len(set(self.devices)) != len(self.devices):
            problems.append(Problem("devices", shown(self.devices), "each device once"))
        return problems


def grid_problems(space: Space) -> list[Problem]:
    """Find the dimensions over which a grid would never end."""
    return [
        Problem(f"space.{name}", "", "--strategy grid needs a finite dimension", "give it a step=")
        for name, dimension in space.dimensions.items()
        if not finite(dimension)
    ]


def finite(dimension: Float | Int | Categorical | Discrete) -> bool:
    """Whether a grid over the dimension ends."""
    return not isinstance(dimension, Float) or dimension.step is not None or dimension.low == dimension.high


def objectives_of(
    maximize: str | tuple[str, ...] | list[str] = (), minimize: str | tuple[str, ...] | list[str] = ()
) -> tuple[Objective, ...]:
    """Build objectives from names, the maximized ones first."""
    ups = [maximize] if isinstance(maximize, str) else list(maximize)
    downs = [minimize] if isinstance(minimize, str) else list(minimize)
    return (
        *(Objective(metric=metric, goal=Goal.MAXIMIZE) for metric in ups),
        *(Objective(metric=metric, goal=Goal.MINIMIZE) for metric in downs),
    )


def refuse_unbuilt(spec: JobSpec) -> None:
    """Refuse what is valid but not built yet, in one sentence.

    Raises:
        NotBuiltYet: Naming every such option.
    """
    later: list[str] = []
    if spec.executor is ExecutorKind.RAY:
        later.append("--executor ray (threads and processes run now)")
    if later:
        raise NotBuiltYet(f"Valid, but not built in this version: {'; '.join(later)}.")


_NO_OPTIONS = frozenset({"definitions", "transfer", "stopping", "limits", "origin"})
INSTEAD_OF_RUNNING = frozenset({"check", "form", "dry_run"})
"""Options that ask for something else than the job: no text of a job holds them."""


def option_fields() -> dict[str, Any]:
    """Return the fields of `JobSpec` that are options of the magic line, by field name."""
    return {name: field for name, field in JobSpec.model_fields.items() if name not in _NO_OPTIONS}


def changed_options(spec: JobSpec) -> dict[str, Any]:
    """Return the options of a job that differ from their defaults: what a text of it has to say."""
    defaults = JobSpec.model_construct()
    values = {name: getattr(spec, name) for name in option_fields() if name not in INSTEAD_OF_RUNNING}
    return {name: value for name, value in values.items() if value != getattr(defaults, name)}
