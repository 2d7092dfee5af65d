"""The settings of a fine-tuning: ours by the names of AstraML 2.1, all others by transformers' own names.

The names of `TrainingArguments` are read from the installed package's source: to import it takes seconds.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import MissingExtra, Problem
from astraml_lab.spec import Categorical, Discrete, Float, Int, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import AnyDimension

DEFAULTS: Mapping[str, Any] = {
    "batch_size": 32,
    "lr": 3e-5,
    "epochs": 5,
    "early_stopping.patience": 5,
    "lr_scheduler": "cosine",
    "gradient_accumulation_steps": 1,
}
"""Those of AstraML 2.1."""
DATA: Mapping[str, str] = {
    "task": "str",
    "dataset_config": "str",
    "text_column": "str",
    "pair_column": "str",
    "label_column": "str",
    "max_length": "int",
    "validation_fraction": "float",
}
"""Our own fields that say what the data is, with their types."""
OURS: Mapping[str, str] = {
    **DATA,
    "batch_size": "int",
    "lr": "float",
    "epochs": "float",
    "early_stopping": "None",
    "early_stopping.patience": "int",
    "early_stopping.metric": "str",
    "early_stopping.min_delta": "float",
    "lr_scheduler": "str",
    "gradient_accumulation_steps": "int",
    "warmup_ratio": "float",
}
INSTEAD: Mapping[str, str] = {
    "per_device_train_batch_size": "batch_size",
    "learning_rate": "lr",
    "num_train_epochs": "epochs",
    "lr_scheduler_type": "lr_scheduler",
    "metric_for_best_model": "early_stopping.metric",
    "early_stopping_patience": "early_stopping.patience",
    "early_stopping_threshold": "early_stopping.min_delta",
}
"""Fields of transformers that have a name of ours."""
_SET = "is set by the fine-tuning itself"
_NOWHERE = "nothing is sent to a hub or a tracker"
KEPT: Mapping[str, str] = {
    **dict.fromkeys(
        ("output_dir", "save_strategy", "save_steps", "save_total_limit", "load_best_model_at_end"), _SET
    ),
    **dict.fromkeys(("greater_is_better", "resume_from_checkpoint", "disable_tqdm", "use_cpu"), _SET),
    **dict.fromkeys(("do_train", "do_eval", "do_predict", "local_rank", "save_on_each_node"), _SET),
    **dict.fromkeys(
        ("remove_unused_columns", "label_names", "prediction_loss_only", "save_only_model"), _SET
    ),
    **dict.fromkeys(("push_to_hub", "hub_token", "hub_private_repo", "hub_model_id"), _NOWHERE),
    **dict.fromkeys(("hub_strategy", "hub_always_push", "hub_revision", "report_to"), _NOWHERE),
    **dict.fromkeys(("trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"), _NOWHERE),
    **dict.fromkeys(("deepspeed", "fsdp", "fsdp_config"), "a trial has one process"),
}
"""Fields of transformers that nobody else sets, with why."""
OWN_SCHEDULERS = ("none", "step", "exponential")
"""AstraML's names that transformers does not have."""
_LEAST: Mapping[str, float] = {
    "batch_size": 1,
    "gradient_accumulation_steps": 1,
    "max_length": 2,
    "early_stopping.patience": 0,
    "early_stopping.min_delta": 0,
}


@functools.cache
def argument_fields() -> Mapping[str, str]:
    """Return the fields of the installed `TrainingArguments` with their types as text.

    Raises:
        MissingExtra: transformers is not installed.
    """
    fields = [
        each for each in _body("training_args.py", "TrainingArguments") if isinstance(each, ast.AnnAssign)
    ]
    return {ast.unparse(each.target): ast.unparse(each.annotation) for each in fields}


@functools.cache
def schedulers() -> tuple[str, ...]:
    """Return what `lr_scheduler` may be: the installed transformers' names, and AstraML's own.

    Raises:
        MissingExtra: transformers is not installed.
    """
    body = _body("trainer_utils.py", "SchedulerType")
    named = [each for each in body if isinstance(each, ast.Assign)]
    return (*(str(ast.literal_eval(each.value)) for each in named), *OWN_SCHEDULERS)


def _body(file: str, name: str) -> list[ast.stmt]:
    """Return the statements of a class in transformers' source."""
    found = importlib.util.find_spec("transformers")
    if found is not None and found.submodule_search_locations:
        source = Path(found.submodule_search_locations[0], file).read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return node.body
    raise MissingExtra("transformers", "transformers")


def field_problems(fixed: Mapping[str, Any], space: Mapping[str, AnyDimension]) -> list[Problem]:
    """Find every setting that is none, or whose value cannot be one.

    Args:
        fixed: Values by name; `early_stopping.patience` and its like by dotted name.
        space: What varies.
    """
    found: list[Problem] = []
    for name, value in {**fixed, **space}.items():
        found += _name_problems(name, value) or _value_problems(name, value)
    return found


def _name_problems(name: str, value: Any) -> list[Problem]:
    given = "" if isinstance(value, _DIMENSIONS) else shown(value)
    fields = argument_fields()
    if name in INSTEAD:
        return [Problem(name, given, f"is called {INSTEAD[name]} here")]
    if name in KEPT and name in fields:
        return [Problem(name, given, KEPT[name], "leave it out")]
    if name in OURS or name in fields:
        if isinstance(value, _DIMENSIONS) and name in _FIXED:
            return [Problem(name, "", "is the same for all trials: a value, not a range")]
        return []
    known = [*OURS, *(each for each in fields if each not in KEPT)]
    version = importlib.metadata.version("transformers")
    said = f"neither a setting of a fine-tuning nor a field of TrainingArguments (transformers {version})"
    return [Problem(name, given, said, nearest(name, known))]


def _value_problems(name: str, value: Any) -> Iterator[Problem]:
    kind = OURS.get(name) or argument_fields()[name]
    for each in _values_of(value):
        said = _fault(name, each, kind)
        if said:
            hint = nearest(each, schedulers()) if name == "lr_scheduler" and isinstance(each, str) else ""
            yield Problem(name, shown(each), said, hint)
            return


def _values_of(value: Any) -> tuple[Any, ...]:
    """Return the values that tell whether all of them fit: of a range its ends."""
    if isinstance(value, Categorical):
        return tuple(value.choices)
    if isinstance(value, Discrete):
        return tuple(int(each) if float(each).is_integer() else each for each in value.values)
    if isinstance(value, Float):  # a whole end of it stands for all that lies between
        return (value.low + 0.0, value.high + 0.0) if value.step is None else (value.low, value.high)
    return (value.low, value.high) if isinstance(value, Int) else (value,)


def _fault(name: str, value: Any, kind: str) -> str:
    """Return what is wrong with a value, or nothing."""
    kinds = {part.strip() for part in kind.split("|")}
    if value is None:
        return "" if "None" in kinds or name in _OPTIONAL else "cannot be empty"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and name in _LEAST and value < _LEAST[name]:
        return f"must be {_LEAST[name]} or more"
    if name in _ABOVE_ZERO and number and value <= 0:
        return "must be above 0"
    if name in _FRACTIONS and number and not 0 <= value < 1:
        return "a part of the whole: from 0 to below 1"
    if isinstance(value, str) and (said := _unknown_word(name, value)):
        return said
    return "" if any(_fits(value, each) for each in kinds) else f"must be {_WORDS.get(kind, kind)}"


def _unknown_word(name: str, value: str) -> str:
    """Return what is wrong with a word where only some are allowed, or nothing."""
    if name == "lr_scheduler" and value not in schedulers():
        return f"one of {', '.join(schedulers())}"
    if name == "eval_strategy" and value not in {"epoch", "steps"}:
        return "epoch or steps: the best checkpoint is found by evaluating"
    return ""


def _fits(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "int":
            return number and float(value).is_integer() and not isinstance(value, float)
        case "float":
            return number
        case "bool":
            return isinstance(value, bool)
        case "str":
            return isinstance(value, str)
        case "None":
            return value is None
    return not number or kind.startswith(("Literal", "dict", "list"))  # transformers itself looks at the rest


_DIMENSIONS = (Float, Int, Categorical, Discrete)
_FIXED = frozenset(
    {"task", "dataset_config", "text_column", "pair_column", "label_column", "validation_fraction"}
)
_OPTIONAL = frozenset(
    {"dataset_config", "text_column", "pair_column", "label_column", "max_length", "early_stopping.metric"}
)
_ABOVE_ZERO = frozenset({"lr", "epochs"})
_FRACTIONS = frozenset({"validation_fraction", "warmup_ratio"})
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "None": 'a mapping such as {"patience": 5}, or None for never',
}
