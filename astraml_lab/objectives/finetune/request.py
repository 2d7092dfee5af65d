"""`lab.Finetune`: a fine-tuning as Python says it, and as one line of a form."""

from __future__ import annotations

import shlex
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.finetune.fields import DEFAULTS
from astraml_lab.objectives.finetune.target import DATASET
from astraml_lab.objectives.finetune.tasks import LOSS
from astraml_lab.objectives.script_values import reference
from astraml_lab.objectives.storage import VARIABLES
from astraml_lab.spec import Channel, Definition, Dialect, Goal, Objective, Program, Script, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES: Mapping[str, str] = {
    option: name for name, option in VARIABLES.items() if not name.endswith("_S3")
}
"""s3fs' storage options, and the variables that a request says them by."""
KIND: Literal["finetune"] = "finetune"


class Finetune:
    """A transformer to fine-tune: `lab.tune(lab.Finetune("bert-base", "data.csv"), space={"lr": …})`.

    Args:
        model: A folder here, a short name such as `bert-base`, or a hub's id.
        dataset: A CSV, JSON lines or Parquet file, a folder of them or one that `save_to_disk` wrote, an
            `s3://bucket/key`, or a hub's id.
        task: `classification`, `token-classification`, `regression` or `causal-lm`.
        storage_options: How an object store is reached, as s3fs has it: `endpoint_url`, `key`, `secret`,
            `token`; a secret as `{"secret": "its name"}`.
        env: Variables of the trial: `{"HF_TOKEN": {"secret": "hub"}}`.
        settings: Those of AstraML 2.1 (`batch_size=32, lr=3e-5, epochs=5, early_stopping={"patience": 5}`,
            `lr_scheduler="cosine"`), what the data is (`text_column`, `label_column`, `max_length` …), and
            every other field of transformers' `TrainingArguments` by its own name.

    Raises:
        InvalidSpec: The storage options are none.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        dataset: str | PathLike[str],
        task: str | None = None,
        *,
        storage_options: Mapping[str, Any] | None = None,
        env: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.model = fspath(model)
        self.dataset = fspath(dataset)
        self.settings: dict[str, Any] = {} if task is None else {"task": task}
        self.settings.update(_flat(settings))
        self.env = {**_storage(storage_options or {}), **(env or {})}

    @classmethod
    def from_line(cls, line: str) -> Finetune:
        """Read what a form holds: `bert-base data.csv task=classification warmup_ratio=0.1`.

        Raises:
            InvalidSpec: It is no such line.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise InvalidSpec([Problem("the line", shown(line), str(error))], subject="the form") from None
        plain = [word for word in words if "=" not in word]
        if len(plain) != 2:  # noqa: PLR2004 - the model and the data
            said = "a model and a data set, then settings: bert-base data.csv task=classification"
            raise InvalidSpec([Problem("the line", shown(line), said)], subject="the form")
        pairs = [word.partition("=") for word in words if "=" in word]
        return cls(*plain, **{name: _read(text) for name, _, text in pairs})

    @property
    def line(self) -> str:
        """It on one line, as a form holds it; variables have no place there."""
        said = [f"{name}={_written(value)}" for name, value in self.settings.items()]
        return shlex.join([self.model, self.dataset, *said])

    def __repr__(self) -> str:
        settings = dict(self.settings)
        stopping: dict[str, Any] = {
            n.partition(".")[2]: settings.pop(n) for n in list(settings) if n.startswith("early_stopping.")
        }
        if stopping:
            settings["early_stopping"] = stopping
        said = [f"{name}={_code(value)}" for name, value in settings.items()]
        said += [f"env={self.env!r}"] if self.env else []
        return f"Finetune({', '.join([quoted(self.model), quoted(self.dataset), *said])})"


def finetune_definition(asked: Finetune, definition: Definition) -> Definition:
    """Return a definition that fine-tunes: its space, and its objectives or the loss."""
    space = definition.space.dimensions
    said = {**asked.settings, **{name: DEFAULTS[name] for name in DEFAULTS if name not in asked.settings}}
    fixed = {name: value for name, value in said.items() if name not in space}
    if "early_stopping" in asked.settings:
        fixed = {name: value for name, value in fixed.items() if not name.startswith("early_stopping.")}
    script = Script(
        convention=Dialect.ASTRAML,
        target=asked.model,
        env=asked.env,
        fixed=fixed,
        channels={DATASET: Channel(uri=asked.dataset)},
    )
    return definition.model_copy(
        update={
            "objectives": definition.objectives or (Objective(metric=LOSS, goal=Goal.MINIMIZE),),
            "program": Program(kind=KIND, source=asked.line, script=script),
        }
    )


def finetune_of(script: Script) -> Finetune:
    """Return the fine-tuning that a stored job runs."""
    said = {
        name: value for name, value in script.fixed.items() if name not in DEFAULTS or value != DEFAULTS[name]
    }
    found = Finetune(script.target, script.channels[DATASET].uri, env=script.env)
    found.settings.update(said)
    return found


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by dotted name."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "early_stopping" and isinstance(value, dict):
            found.update({f"{name}.{inner}": each for inner, each in value.items()})
        else:
            found[name] = value
    return found


def _storage(options: Mapping[str, Any]) -> dict[str, Any]:
    problems = [
        Problem(f"storage_options.{name}", "", f"one of {', '.join(_VARIABLES)}")
        for name in options
        if name not in _VARIABLES
    ]
    said = 'a secret is said by its name: {"secret": "name"}'
    bare = [each for each in ("secret", "token") if each in options and reference(options[each]) is None]
    problems += [Problem(f"storage_options.{name}", "", said) for name in bare]
    if problems:
        raise InvalidSpec(problems, subject="the fine-tuning")
    return {_VARIABLES[name]: value for name, value in options.items()}


def _read(text: str) -> Any:
    """Return a value as it is meant on a line: a number, true, false, none, or text."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _written(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _code(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
