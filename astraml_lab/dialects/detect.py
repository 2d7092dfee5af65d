"""Which service's format a request is in: told by its fields."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from astraml_lab.dialects.astraml.problem import Mistake, ProblemError
from astraml_lab.spec import Dialect, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: dict[Dialect, tuple[str, ...]] = {
    Dialect.ASTRAML: (
        "apiVersion",
        "project_id",
        "name",
        "dataset",
        "model",
        "hyperparams",
        "resources",
        "tuning",
        "metrics",
        "env",
        "tags",
        "schedule",
    ),
    Dialect.SAGEMAKER: (
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobConfig",
        "TrainingJobDefinition",
        "TrainingJobDefinitions",
        "WarmStartConfig",
        "Tags",
        "Autotune",
    ),
    Dialect.VERTEX: (
        "hyperparameterTuningJob",
        "displayName",
        "display_name",
        "studySpec",
        "study_spec",
        "maxTrialCount",
        "max_trial_count",
        "parallelTrialCount",
        "parallel_trial_count",
        "maxFailedTrialCount",
        "max_failed_trial_count",
        "trialJobSpec",
        "trial_job_spec",
        "labels",
        "encryptionSpec",
        "encryption_spec",
    ),
}
"""The fields at the top of each format."""
_OF = {field: dialect for dialect, fields in FIELDS.items() for field in fields}
_HINTS = 20
"""So many fields are compared with the known ones."""
_NAMES = {Dialect.ASTRAML: "AstraML", Dialect.SAGEMAKER: "SageMaker", Dialect.VERTEX: "Vertex AI"}


def detect(request: Mapping[str, object]) -> Dialect:
    """Return the format of a request: the one that most of its fields belong to.

    Raises:
        ProblemError: No field, or as many of one as of another, belong to a format; the sentence names the
            nearest.
    """
    counts = {dialect: sum(field in request for field in fields) for dialect, fields in FIELDS.items()}
    most = max(counts.values())
    best = [dialect for dialect, count in counts.items() if count == most]
    if most and len(best) == 1:
        return best[0]
    if most:
        names = " and ".join(_NAMES[dialect] for dialect in best)
        raise ProblemError("malformed", f"the request mixes fields of {names}; say which: dialect=…")
    raise ProblemError("malformed", _unknown(request))


def named(dialect: str) -> Dialect:
    """Return a format by its name.

    Raises:
        ProblemError: There is none of that name.
    """
    try:
        return Dialect(dialect.lower())
    except ValueError:
        names = ", ".join(Dialect)
        raise ProblemError("malformed", errors=[Mistake("", f"dialect is one of {names}")]) from None


def _unknown(request: Mapping[str, object]) -> str:
    for field in islice(request, _HINTS):
        hint = nearest(field, _OF)
        if hint:
            near = next(name for name in _OF if f'"{name}"' in hint)
            return f"no format has the field `{field[:40]}`; {hint} That would be {_NAMES[_OF[near]]}"
    return (
        "the request has no field of AstraML (project_id, dataset, model), SageMaker "
        "(HyperParameterTuningJobName) or Vertex AI (displayName, studySpec)"
    )
