"""`lab.Finetune`: a fine-tuning as Python says it, and as one line of a form."""

from __future__ import annotations

import re
import shlex
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from astraml_lab.dialects.credentials import is_a_secret, is_inline_secret
from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.finetune.fields import DEFAULTS
from astraml_lab.objectives.finetune.target import DATASET
from astraml_lab.objectives.finetune.tasks import LOSS
from astraml_lab.objectives.script_values import is_reference, reference
from astraml_lab.objectives.storage import VARIABLES
from astraml_lab.spec import (
    Channel,
    Definition,
    Dialect,
    Goal,
    Objective,
    Program,
    Script,
    nearest,
    quoted,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLES: Mapping[str, str] = {
    option: name for name, option in VARIABLES.items() if not name.endswith("_S3")
}
"""s3fs' storage options, and the variables that a request says them by."""
KIND: Literal["finetune"] = "finetune"
_KEYS = frozenset({"key", "secret", "token"})
"""Storage options that hold what is secret, or half of it."""
_BY_NAME = 'a secret is said by its name, {"secret": "NAME"}, after `astraml secret set NAME`'
_CONFIG = re.compile(r"(?P<name>[^:]{2,}):(?P<config>[\w.-]+)")
"""A drive's letter is no data set, and a URI's `//` no configuration."""
_NOT_ON_THE_LINE = ("model", "dataset", "storage_options", "env")
_MODEL = "a folder, a short name such as bert-base, or a hub's id; save a model that is loaded into a folder"
_DATA = "a file, a folder, s3://bucket/key or a hub's id; write a table or data set into a file"


class Finetune:
    """A transformer to fine-tune: `lab.tune(lab.Finetune("bert-base", "data.csv"), space={"lr": …})`.

    Args:
        model: A folder here, a short name such as `bert-base`, or a hub's id.
        dataset: A CSV, JSON lines or Parquet file, a folder of them or one that `save_to_disk` wrote, an
            `s3://bucket/key`, or a hub's id; its configuration behind a colon: `"nyu-mll/glue:mrpc"`.
        task: `classification`, `token-classification`, `regression` or `causal-lm`.
        storage_options: How an object store is reached, as s3fs has it: `endpoint_url`, and `key`, `secret`
            and `token`, each as `{"secret": "its name"}`.
        env: Variables of the trial: `{"HF_TOKEN": {"secret": "hub"}}`.
        settings: Those of AstraML 2.1 (`batch_size=32, lr=3e-5, epochs=5, early_stopping={"patience": 5}`,
            `lr_scheduler="cosine"`), what the data is (`text_column`, `label_column`, `max_length` …), and
            every other field of transformers' `TrainingArguments` by its own name.

    Raises:
        InvalidSpec: The model or data set is no name, the storage options are none, or something holds a
            secret itself; with every mistake.
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
        problems = [
            Problem(name, shown(value), said)
            for name, value, said in (("model", model, _MODEL), ("dataset", dataset, _DATA))
            if not isinstance(value, str | PathLike)
        ]
        if problems:
            raise InvalidSpec(problems, subject="the fine-tuning")
        self.model = fspath(model)
        self.dataset, config = _with_config(fspath(dataset))
        self.settings: dict[str, Any] = {} if task is None else {"task": task}
        self.settings |= {"dataset_config": config} if config else {}
        self.settings.update(_flat(settings))
        said = {"model": self.model, "dataset": self.dataset, **self.settings}
        problems = [*_storage_problems(storage_options or {}), *_env_problems(env or {}), *_given_away(said)]
        if problems:
            raise InvalidSpec(problems, subject="the fine-tuning")
        stored = {_VARIABLES[name]: value for name, value in (storage_options or {}).items()}
        self.env = {name: _plain(value) for name, value in {**stored, **(env or {})}.items()}

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
        pairs = {name: text for name, _, text in (word.partition("=") for word in words if "=" in word)}
        said = "is no setting: the line begins with the model and the data set, and holds no variables"
        odd = [Problem(name, "", said) for name in _NOT_ON_THE_LINE if name in pairs]
        if odd:
            raise InvalidSpec(odd, subject="the form")
        return cls(*plain, **{name: _read(text) for name, text in pairs.items()})

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
    left = {name: value for name, value in DEFAULTS.items() if name not in {*asked.settings, *space}}
    fixed = {**asked.settings, **left}
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
    found = Finetune(script.target, script.channels[DATASET].uri)
    found.settings.update(said)
    found.env = {name: _plain(value) for name, value in script.env.items()}
    return found


def _with_config(dataset: str) -> tuple[str, str]:
    """Split `nyu-mll/glue:mrpc` into the data set and its configuration, which most have not."""
    found = _CONFIG.fullmatch(dataset)
    if found is None or Path(dataset).exists():
        return dataset, ""
    return found["name"], found["config"]


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by dotted name."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "early_stopping" and isinstance(value, dict):
            found.update({f"{name}.{inner}": each for inner, each in value.items()})
        else:
            found[name] = value
    return found


def _storage_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in options.items():
        path = f"storage_options.{name}"
        if name not in _VARIABLES:
            yield Problem(path, "", f"one of {', '.join(_VARIABLES)}", nearest(str(name), _VARIABLES))
        elif name in _KEYS and not is_reference(value):
            yield Problem(path, "", _BY_NAME)
        elif isinstance(value, str) and is_a_secret(value):
            yield Problem(path, "", "holds a password, and is stored with the job", "say key= and secret=")


def _env_problems(env: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in env.items():
        if is_inline_secret(str(name), value) or (isinstance(value, dict) and not is_reference(value)):
            yield Problem(f"env.{name}", "", _BY_NAME)


def _given_away(said: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in said.items():
        if isinstance(value, str) and is_a_secret(value):
            hint = 'a hub\'s token is env={"HF_TOKEN": {"secret": "NAME"}}, a storage\'s key storage_options='
            yield Problem(name, "", "holds a key or a password, and is stored with the job", hint)


def _plain(value: Any) -> Any:
    """Return a reference to a secret as it is written; everything else as it is."""
    named = reference(value)
    return value if named is None else {"secret": named.secret}


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
