"""A fine-tuning in place of a script: checked at the door, run in the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, MissingExtra, Problem, TrialStopped
from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.finetune.arguments import best_of, with_defaults
from astraml_lab.objectives.finetune.columns import assign, local_columns
from astraml_lab.objectives.finetune.data import Wanted, prepared
from astraml_lab.objectives.finetune.fields import DATA, field_problems
from astraml_lab.objectives.finetune.files import KNOWN
from astraml_lab.objectives.finetune.models import source_of
from astraml_lab.objectives.finetune.tasks import DEFAULT, TASKS, metric_goals
from astraml_lab.objectives.script_uris import mapped
from astraml_lab.objectives.script_values import reference
from astraml_lab.optional import installed
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from astraml_lab.objectives.finetune.tasks.base import Task
    from astraml_lab.objectives.script_uris import Inputs
    from astraml_lab.spec import AnyDimension, Definition, Script
    from astraml_lab.trial import Trial

DATASET = "dataset"
"""The channel that holds the data."""
MODULES = ("torch", "transformers", "transformers.trainer", "datasets", "accelerate")
"""What each trial imports; a server of processes has them loaded before it forks."""
_NEEDED = tuple(name for name in MODULES if "." not in name)
_LOGGED = (
    *("loss", "train_loss", "grad_norm", "learning_rate", "total_flos"),
    *(f"{part}_{rate}" for part in ("train", "eval") for rate in ("runtime", "samples_per_second")),
    *("train_steps_per_second", "eval_steps_per_second"),
)
"""What a trainer reports besides what it evaluates."""
_SEED = 0
"""Of the split, where the job has no `data_seed`: all trials have the same rows."""


class FineTuning:
    """What one definition of a job fine-tunes. Travels to processes; thread-safe.

    Args:
        definition: Its space and objectives.
        script: The model, the data and the settings.
        folder: What relative paths start from.
        mappings: Inputs by URI prefix.
        models: The project's own names of models.

    Raises:
        InvalidSpec: With every mistake that can be seen before anything is loaded.
        NotFound: The model is none.
        MissingExtra: transformers, or what it trains with, is not installed.
    """

    uncompared: tuple[str, ...] = ()

    def __init__(
        self,
        definition: Definition,
        script: Script,
        folder: Path,
        mappings: Iterable[Inputs],
        models: Mapping[str, str],
    ) -> None:
        self.source = source_of(script.target, folder, models)
        for name in _NEEDED:
            if not installed(name):
                raise MissingExtra(name, "transformers")
        self.baggage = Baggage({}, home="the fine-tuning", threads='executor="threads"')
        fixed = {name: value for name, value in script.fixed.items() if reference(value) is None}
        space = dict(definition.space.dimensions)
        self._fixed = {name: value for name, value in fixed.items() if name not in space}
        self._dataset = script.channels[DATASET].uri if DATASET in script.channels else ""
        objective = definition.objectives[0] if definition.objectives else None
        self._objective = "" if objective is None else objective.metric
        self._maximize = objective is not None and objective.maximize
        task: Any = self._fixed.get("task", DEFAULT)
        problems = [*_said_twice(fixed, space), *field_problems(self._fixed, space)]
        if task not in TASKS:
            said = f"one of {', '.join(TASKS)}"
            problems = [each for each in problems if each.path != "task"]
            problems.append(Problem("task", shown(task), said, nearest(str(task), TASKS)))
        else:
            problems += _metric_problems(definition, script, TASKS[task])
            problems += self._data_problems(TASKS[task], folder, mappings)
        if problems:
            raise InvalidSpec(problems, subject="the fine-tuning")
        self.task: Task = TASKS[task]

    @property
    def code(self) -> FineTuning:
        """Itself: what travels and what is compared."""
        return self

    def fingerprint(self) -> Mapping[str, str]:
        """Return nothing: what it is given says all."""
        return {}

    def run(self, trial: Trial, values: Mapping[str, Any], folder: Path) -> None:
        """Run one trial.

        Args:
            trial: The trial.
            values: Its settings, the fixed ones too.
            folder: Of the job: its trials share the tokenized data there.

        Raises:
            FinetuneFailed: Model, data and settings do not fit.
            InputMissing: The data cannot be had.
            TrialEnd: The trial was told to end.
        """
        from astraml_lab.objectives.finetune.training import Plan, train

        settings = with_defaults(values)
        trial.params.clear()
        trial.params.update(settings)
        token = trial.env.get("HF_TOKEN")
        best = best_of(settings, self.task, self._objective, maximize=self._maximize)
        plan = Plan(self.source, self.task, best, settings, token)
        wanted = Wanted(
            model=self.source.place,
            dataset=self._dataset,
            task=self.task.name,
            options={name: settings[name] for name in DATA if settings.get(name) is not None},
            seed=int(settings.get("data_seed") or _SEED),
        )

        def go_on() -> None:
            if trial.should_stop():
                raise TrialStopped("told to end while its data was made ready")

        def data() -> Any:
            return prepared(
                wanted, folder / "prepared", find=lambda: trial.inputs[DATASET], token=token, go_on=go_on
            )

        train(trial, plan, data)

    def _data_problems(self, task: Task, folder: Path, mappings: Iterable[Inputs]) -> Iterator[Problem]:
        """Find what is wrong with the data, as far as it lies here."""
        if not self._dataset:
            yield Problem(DATASET, "", "required, but absent")
            return
        path = _local(self._dataset, folder, mappings)
        if path is None:
            return
        if not path.exists():
            yield Problem(DATASET, shown(self._dataset), f"there is no file or folder {path}")
            return
        if "dataset_config" in self._fixed:
            if path.is_file():
                yield Problem("dataset_config", shown(self._fixed["dataset_config"]), f"{path} is a file")
            return  # which columns it has is for datasets to say
        try:
            columns = local_columns(path)
        except ValueError as error:
            yield Problem(DATASET, shown(self._dataset), f"cannot be read ({error}): it may be {KNOWN}")
            return
        if columns is not None:
            yield from assign(task.roles, columns, self._fixed)[1]


def _said_twice(fixed: Mapping[str, Any], space: Mapping[str, AnyDimension]) -> Iterator[Problem]:
    for name in (each for each in space if each in fixed):
        yield Problem(name, shown(fixed[name]), "varies in the space too: say it in one of the two")


def _local(dataset: str, folder: Path, mappings: Iterable[Inputs]) -> Path | None:
    """Return where data lies here, whether it is there or not; None for what has to be fetched."""
    found = mapped(dataset, mappings)
    if found is not None or "://" in dataset:
        return found
    path = (folder / dataset).expanduser().absolute()
    named = path.suffix.strip(".0123456789")  # an id may end in a version: owner/data-2.5
    hubs = dataset.count("/") <= 1 and not dataset.startswith((".", "/", "~")) and not named
    return None if hubs and not path.exists() else path


def _metric_problems(definition: Definition, script: Script, task: Task) -> Iterator[Problem]:
    goals = metric_goals(task)
    read = [each.name for each in script.log_metrics]
    known = [*goals, *_LOGGED, *read]
    for each in definition.objectives:
        if each.metric not in known:
            said = f"a fine-tuning reports {', '.join([*goals, *_LOGGED[:1], *read])}"
            yield Problem("objectives", shown(each.metric), said, nearest(each.metric, known))
    metric = script.fixed.get("early_stopping.metric")
    if isinstance(metric, str) and metric not in goals:
        said = f"one of {', '.join(goals)}"
        yield Problem("early_stopping.metric", shown(metric), said, nearest(metric, list(goals)))
