"""A request whose shape is right, taken apart: what the rules look at, and what a job is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.dialects.sagemaker.ranges import Range

CONFIG = "HyperParameterTuningJobConfig"
SERVICE_QUOTA = 750
"""The service's number of training jobs, where a request names none."""
RANDOM_QUOTA = 10_000
"""How many the Random strategy may name."""
DAY = 86_400
"""The seconds that a training job may take, where a request names none."""


@dataclass(frozen=True)
class Part:
    """One training job definition, with what the job's own configuration says of it.

    Attributes:
        given: The definition, verbatim.
        path: Where it is: `TrainingJobDefinition` or `TrainingJobDefinitions[0]`.
        objective: `Type` and `MetricName`.
        objective_path: Where they are.
        ranges: What varies.
    """

    given: Mapping[str, Any]
    path: str
    objective: Mapping[str, str]
    objective_path: str
    ranges: tuple[Range, ...]

    @property
    def static(self) -> Mapping[str, str]:
        """Hyperparameters that do not vary."""
        found: Mapping[str, str] = self.given.get("StaticHyperParameters", {})
        return found

    @property
    def target(self) -> str:
        """The image or algorithm that trains."""
        algorithm = self.given["AlgorithmSpecification"]
        return str(algorithm.get("TrainingImage") or algorithm.get("AlgorithmName"))

    @property
    def size(self) -> float:
        """How many points the space has."""
        sizes = [each.size for each in self.ranges]
        # a product of whole numbers may be larger than a float: it is never multiplied by one
        return math.inf if math.inf in sizes else math.prod(sizes)


@dataclass(frozen=True)
class Hyperband:
    """The budgets of Hyperband."""

    least: int
    most: int


@dataclass(frozen=True)
class Plan:
    """The request, with what follows from it.

    Attributes:
        request: The request, verbatim.
        parts: One for each definition.
        hyperband: The budgets, where the strategy is Hyperband.
        inherited: The training jobs of its parents: they count against the quota.
    """

    request: Mapping[str, Any]
    parts: tuple[Part, ...]
    hyperband: Hyperband | None = None
    inherited: int = 0

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.request["HyperParameterTuningJobName"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The job's own configuration."""
        found: Mapping[str, Any] = self.request[CONFIG]
        return found

    @property
    def strategy(self) -> str:
        """The strategy, in the service's word."""
        return str(self.config["Strategy"])

    @property
    def limits(self) -> Mapping[str, int]:
        """The limits of the job."""
        found: Mapping[str, int] = self.config["ResourceLimits"]
        return found

    @property
    def size(self) -> float:
        """How many points the spaces of all definitions have."""
        sizes = [part.size for part in self.parts]
        return math.inf if math.inf in sizes else sum(sizes)

    @property
    def trials(self) -> int:
        """How many training jobs may run."""
        asked = self.limits.get("MaxNumberOfTrainingJobs")
        if asked is not None:
            return asked
        if self.strategy == "Grid":
            return int(self.size)
        return max(1, min(SERVICE_QUOTA, self.quota - self.inherited))

    @property
    def quota(self) -> int:
        """How many training jobs the service allows, those of the parents among them."""
        return RANDOM_QUOTA if self.strategy == "Random" else SERVICE_QUOTA

    @property
    def early_stopping(self) -> bool:
        """Whether the service's median rule stops training jobs."""
        return self.config.get("TrainingJobEarlyStoppingType") == "Auto"

    @property
    def warm_start(self) -> Mapping[str, Any] | None:
        """The parents and the type of the warm start."""
        return self.request.get("WarmStartConfig")

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the parents, as written."""
        if self.warm_start is None:
            return ()
        named = self.warm_start["ParentHyperParameterTuningJobs"]
        return tuple(each["HyperParameterTuningJobName"] for each in named)
