"""What only a request of a tuning service says: where it came from, what it runs, and its vendor's own rules.

A job written as a cell has none of these. They are no options of a magic line.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from astraml_lab.spec._model import Model

_SECRET = r"^[a-z][a-z0-9_-]{0,62}$"  # noqa: S105 - the form of a name
SECRET_PREFIX = "ASTRAML_SECRET_"  # noqa: S105 - the beginning of a variable's name
"""Variables of the kernel that hold secrets; nothing that a trial starts inherits them."""


class Dialect(StrEnum):
    """The service whose request format is spoken."""

    ASTRAML = "astraml"
    SAGEMAKER = "sagemaker"
    VERTEX = "vertex"


class SecretRef(Model):
    """The name of a secret, in place of its value; resolved in the trial alone."""

    secret: str = Field(pattern=_SECRET)


_Fixed = Annotated[SecretRef | Any, Field(union_mode="left_to_right")]


def secret_variable(project: str, name: str) -> str:
    """Return the variable of the kernel's environment that holds a secret of a project."""
    return SECRET_PREFIX + re.sub(r"[^A-Z0-9]+", "_", f"{project}_{name}".upper())


class LogMetric(Model):
    """A metric that is read from the log: the first group of each match, or the whole match."""

    name: str = Field(min_length=1, max_length=255)
    regex: str = Field(min_length=1, max_length=500)


class Channel(Model):
    """An input of a script.

    Attributes:
        uri: `s3://…`, `gs://…` or a local path; resolved when a trial starts.
        about: What else the request says of it (`ContentType` …), for the script to read.
    """

    uri: str
    about: dict[str, Any] = Field(default_factory=dict)


class Script(Model):
    """What each trial of a request runs, in a process of its own, by the conventions that it was written for.

    Attributes:
        convention: Whose arguments and variables the script expects.
        target: The image, algorithm, module or model that the request names: looked up in the registry.
        module: Whether `target` is a Python module to run as `python -m`, if the registry has nothing for it.
        command: What a container would run, for a target that is registered to run as it says.
        args: Arguments that come before the parameters.
        env: Environment of the process.
        fixed: Hyperparameters that do not vary, some of them secrets; SageMaker's are strings, kept verbatim.
        names: The script's name for a dimension where the two differ.
        channels: Inputs by name.
        output: Where results go, a URI.
        checkpoints: Where the script looks for its checkpoints, a path as the container would have it.
        compress: Whether the model becomes a `model.tar.gz`.
        log_metrics: Metrics that are read from the log.
        objective: What the script calls the tuned metric, where the job has another name for it.
    """

    convention: Dialect
    target: str
    module: bool = False
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str | SecretRef] = Field(default_factory=dict)
    fixed: dict[str, _Fixed] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)
    channels: dict[str, Channel] = Field(default_factory=dict)
    output: str = ""
    checkpoints: str = ""
    compress: bool = True
    log_metrics: tuple[LogMetric, ...] = ()
    objective: str = ""


class StoppingKind(StrEnum):
    """A vendor's rule for giving up a trial."""

    AVERAGES = "averages"
    """Worse than the median of the finished trials' running averages: both vendors' median rules."""
    DECAY_CURVE = "decay_curve"
    CONVEX = "convex"
    HYPERBAND = "hyperband"


class StoppingRule(Model):
    """When a trial is given up early, as a vendor defines it; in place of `prune`.

    Attributes:
        kind: The rule.
        best_so_far: AVERAGES compares the trial's best value (Vertex), not its current one (SageMaker).
        by_time: Curves are compared by seconds since the trial's start, not by step.
        min_trials: AVERAGES needs so many finished trials, pruned and stopped ones among them.
        min_resource: HYPERBAND's smallest budget of a trial, in steps (none: 1); CONVEX stops nobody up to
            this step (none: a tenth of its maximum).
        max_resource: HYPERBAND's largest budget, at which a trial is complete; the step that CONVEX and
            DECAY_CURVE look ahead to (none: the furthest that a complete trial came).
        reduction: HYPERBAND's eta.
        min_measurements: CONVEX needs more complete trials than this, and as many reports of the trial.
    """

    kind: StoppingKind
    best_so_far: bool = False
    by_time: bool = False
    min_trials: int = 3
    min_resource: int | None = None
    max_resource: int | None = None
    reduction: int = 3
    min_measurements: int = 5


class Limits(Model):
    """How a vendor ends a whole job, beyond the options that all jobs have.

    Attributes:
        cut: Whether running trials are stopped when a criterion is met, rather than waited for.
        improvement: A better best counts as progress when it is better by this fraction of it.
        max_seconds_without_progress: The job ends when the best is this old.
        end_at: The job ends at this time, seconds UTC.
        min_runtime: No maximum ends the job within so many seconds.
        not_before: No maximum ends the job before this time, seconds UTC.
        min_complete: No maximum ends the job before so many trials are COMPLETE or PRUNED.
        max_trials: No trial beyond so many begins once every minimum is met; the budget holds in any case.
        max_wait: A trial that waits longer for a device than so many seconds is FAILED.
        grace: Seconds from a trial's stop request to its end by force.
        retry_lost: Only lost trials (a crash, a dead kernel) are tried again, never what their code raised.
    """

    cut: bool = True
    improvement: float = 0.0
    max_seconds_without_progress: float | None = None
    end_at: float | None = None
    min_runtime: float | None = None
    not_before: float | None = None
    min_complete: int = 0
    max_trials: int | None = None
    max_wait: float | None = None
    grace: float = 120.0
    retry_lost: bool = False


class Fidelity(Model):
    """What became of each field of a request: nothing is ignored in silence.

    Attributes:
        honoured: Paths of the fields that are acted on.
        approximated: Paths that are acted on by a rule of ours, with how.
        accepted_not_acted: Paths that are kept and returned without effect here, with why; each path once.
        warnings: Sentences for the person who submits; a security promise that is not kept warns every time.
        security: Those of them that tell of such a promise.
    """

    honoured: tuple[str, ...] = ()
    approximated: dict[str, str] = Field(default_factory=dict)
    accepted_not_acted: dict[str, str] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    security: tuple[str, ...] = ()


class ScheduledRun(Model):
    """That a job is a run of a schedule.

    Attributes:
        schedule: The schedule's name.
        planned_at: When it was to run, in seconds since the epoch.
        by_hand: Somebody asked for it; no tick did.
    """

    schedule: str
    planned_at: float
    by_hand: bool = False


class Origin(Model):
    """The request that a job was made of; what describes and exports it reads this.

    Attributes:
        dialect: Its format.
        request: The request, verbatim; secrets are references.
        version: The API version that it was read by.
        parent: Vertex's `projects/…/locations/…`.
        fidelity: What became of each field.
        resolved: What the service leaves open and was decided once: `{"lr": "log"}` for an Auto scale.
        provenance: By field, where its value came from: request, policy, default (+clamped).
        policy_version: The version of the project's policy that was applied.
        migrated_from: The version that the request was migrated from.
        run: The schedule that it is a run of, if it is one.
    """

    dialect: Dialect
    request: dict[str, Any]
    version: str = ""
    parent: str = ""
    fidelity: Fidelity = Fidelity()
    resolved: dict[str, str] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)
    policy_version: int | None = None
    migrated_from: str = ""
    run: ScheduledRun | None = None


def training_job_name(job: str, number: int, seed: int) -> str:
    """Return what SageMaker calls a trial: `<job>-<NNN>-<8 hex>`.

    Args:
        job: The tuning job.
        number: The trial's number, from 0; the name counts from 1.
        seed: The trial's seed.
    """
    digest = hashlib.sha256(f"{job}/{number}/{seed}".encode()).hexdigest()[:8]
    return f"{job}-{number + 1:03d}-{digest}"
