"""What a job is, as data: nothing runs on this floor."""

from __future__ import annotations

from astraml_lab.spec.dimensions import (
    CONSTRUCTORS,
    AnyDimension,
    BaseDimension,
    Categorical,
    Dimension,
    Discrete,
    Float,
    Int,
    ParamValue,
    Scale,
)
from astraml_lab.spec.duration import format_duration, parse_duration
from astraml_lab.spec.job import (
    INSTEAD_OF_RUNNING,
    Definition,
    ExecutorKind,
    Goal,
    JobSpec,
    LaunchOptions,
    Objective,
    Program,
    Pruning,
    Select,
    Strategy,
    changed_options,
    objectives_of,
    option_fields,
    refuse_unbuilt,
)
from astraml_lab.spec.line import line_of, text_of
from astraml_lab.spec.narrowing import is_off, narrowed
from astraml_lab.spec.problems import nearest, shown, validate
from astraml_lab.spec.scales import coordinates
from astraml_lab.spec.space import Space
from astraml_lab.spec.state import FailureKind, JobState, TrialState
from astraml_lab.spec.views import CurveView, DeviceView, JobView, TrialView, WindowRow, WindowView
from astraml_lab.spec.words import (
    format_number,
    is_number,
    params_words,
    state_words,
    trial_words,
    value_words,
)

__all__ = [
    "CONSTRUCTORS",
    "INSTEAD_OF_RUNNING",
    "AnyDimension",
    "BaseDimension",
    "Categorical",
    "CurveView",
    "Definition",
    "DeviceView",
    "Dimension",
    "Discrete",
    "ExecutorKind",
    "FailureKind",
    "Float",
    "Goal",
    "Int",
    "JobSpec",
    "JobState",
    "JobView",
    "LaunchOptions",
    "Objective",
    "ParamValue",
    "Program",
    "Pruning",
    "Scale",
    "Select",
    "Space",
    "Strategy",
    "TrialState",
    "TrialView",
    "WindowRow",
    "WindowView",
    "changed_options",
    "coordinates",
    "format_duration",
    "format_number",
    "is_number",
    "is_off",
    "line_of",
    "narrowed",
    "nearest",
    "objectives_of",
    "option_fields",
    "params_words",
    "parse_duration",
    "refuse_unbuilt",
    "shown",
    "state_words",
    "text_of",
    "trial_words",
    "validate",
    "value_words",
]
