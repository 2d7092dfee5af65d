"""What one definition of a request runs: a script in a process of its own, or a function in place of it."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.devices.visible import narrowed
from astraml_lab.errors import InvalidSpec, Problem, TrialStopped
from astraml_lab.objectives.finetune import FineTuning
from astraml_lab.objectives.fingerprint import SCRIPT, digest
from astraml_lab.objectives.script_conventions import REPORTS, Setting, launch_of
from astraml_lab.objectives.script_failure import ScriptFailed
from astraml_lab.objectives.script_function import LazyMapping, RegisteredFunction, printed_metrics
from astraml_lab.objectives.script_model import pack_model
from astraml_lab.objectives.script_places import Places
from astraml_lab.objectives.script_process import Reporting
from astraml_lab.objectives.script_process import Script as Process
from astraml_lab.objectives.script_uris import check, local_input, local_output, mapped
from astraml_lab.objectives.script_values import hyperparameters, is_platforms, raw_of, reference, views_of
from astraml_lab.objectives.storage import options_of, storage_options
from astraml_lab.secrets import without_secrets
from astraml_lab.spec import Dialect, LogMetric, compile_problem, shown, training_job_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.script_targets import Runs
    from astraml_lab.objectives.script_uris import Inputs
    from astraml_lab.objectives.storage import Storages
    from astraml_lab.spec import Definition, Script
    from astraml_lab.trial import Trial

_CALM = {"MPLBACKEND": "agg", "PYTHONUNBUFFERED": "1"}
"""Nobody sees a window of a script, and its lines come as they are printed."""
_HYPERTUNES = "training/hptuning/metric"
"""What cloudml-hypertune calls a metric that the script gives no name."""
_ASSIGNED = re.compile(r"^(--?[^=\s]+=)(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Job:
    """What a trial's script is told of its job.

    Attributes:
        name: The job's name; empty while it is to be made up.
        project: Its project.
        grace: Seconds from SIGTERM to SIGKILL.
        folder: What relative paths start from.
        mappings: Inputs by URI prefix.
        storages: How storage is reached, by URI prefix.
        models: What the project has in place of a model's name.
    """

    name: str
    project: str
    grace: float
    folder: Path
    mappings: tuple[Inputs, ...]
    storages: tuple[Storages, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


class Part:
    """One definition and what runs its trials. Thread-safe.

    Args:
        definition: The definition.
        script: Its script.
        found: What runs here in its place.
        job: What is common to all definitions.

    Raises:
        InvalidSpec: They do not fit, with every mistake.
    """

    def __init__(self, definition: Definition, script: Script, found: Runs, job: Job) -> None:
        _refuse(script)
        self.script, self.runs = script, found
        self._job = job
        self._space = definition.space
        self._metric = definition.objectives[0].metric if definition.objectives else ""
        self._log_metrics = script.log_metrics or _plain_metrics(definition, script)
        self._names = {name: script.names.get(name, name) for name in definition.space.names()}
        self.function: RegisteredFunction | FineTuning | None = None
        if found.finetunes:
            self.function = FineTuning(definition, script, job.folder, job.mappings, job.models)
        if found.function is not None:
            tuned = list(dict.fromkeys(self._names.values()))
            fixed = [name for name, value in script.fixed.items() if reference(value) is None]
            fixed = [name for name in fixed if not is_platforms(name) and name not in tuned]
            secret = [name for name, value in script.fixed.items() if reference(value) is not None]
            self.function = RegisteredFunction(found.function, tuned, fixed, definition.objectives, secret)

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the request's part, and of each file or function that is known to run."""
        parts = {"what the script is given": digest(self.script.model_dump_json())}
        if self.function is not None:
            return {**parts, **self.function.code.fingerprint()}
        for file in self.runs.files:
            parts[f"{SCRIPT}{file.name}"] = digest(file.read_bytes().decode("utf-8", "replace"))
        return parts if self.runs.files else {**parts, "the command": digest(self.runs.text)}

    def run(self, trial: Trial, params: Mapping[str, Any]) -> Mapping[str, float] | None:
        """Run it once, with the values of this definition.

        Raises:
            ScriptFailed: The script failed.
            InputMissing: An input is not here.
            NotFound: A secret is not.
            TrialEnd: The trial was told to end, and the script was ended.
        """
        places = Places.of(trial)
        values = hyperparameters(self.script, self._space, params)
        env, secrets, hidden = self._resolved(trial, values)
        names = {name: self._metric for name in (self.script.objective, _HYPERTUNES) if name and self._metric}
        reporting = Reporting(trial, names)
        if self.function is not None:
            return self._call(trial, places, values, env, secrets, reporting)
        inputs = {name: self._input(name, places, trial, env) for name in self.script.channels}
        job = self._job.name or places.job.parent.name
        setting = Setting(
            script=self.script,
            values=values,
            inputs=inputs,
            env=env,
            secrets=secrets,
            metric=self.script.objective or self._metric,
            job=job,
            project=self._job.project,
            number=trial.number,
            training_job=training_job_name(job, trial.number, trial.seed),
            seed=trial.seed,
            devices=len(trial.devices),
            folder=places.trial,
            checkpoints=trial.checkpoint_dir,
            output=local_output(self.script.output, places.home) if self.script.output else None,
            localized=self._localized,
        )
        self._start(trial, setting, hidden, reporting)
        return None

    def _start(self, trial: Trial, setting: Setting, hidden: Mapping[str, str], reporting: Reporting) -> None:
        launch = launch_of(setting)
        name = Path(self.runs.text).name if os.sep in self.runs.text else self.runs.text
        process = Process(
            name, reporting, log_metrics=self._log_metrics, secrets=hidden, grace=self._job.grace
        )
        with contextlib.ExitStack() as after:
            if launch.model is not None and launch.output is not None:
                after.callback(pack_model, launch.model, launch.output, compress=self.script.compress)
            try:
                process.run(
                    [*self.runs.start, *launch.args],
                    env={**without_secrets(os.environ), **_CALM, **launch.env, **visible(trial)},
                    folder=self.runs.folder,
                    reports=setting.folder / REPORTS,
                    hypertune=launch.hypertune,
                    failure=launch.failure,
                )
            except ScriptFailed:
                after.pop_all()  # one that was told to end has left what it had, as its service keeps it
                raise

    def _call(
        self,
        trial: Trial,
        places: Places,
        values: Mapping[str, Any],
        env: Mapping[str, str],
        secrets: Mapping[str, str],
        reporting: Reporting,
    ) -> Mapping[str, float] | None:
        if self.function is None:
            return None
        raw = raw_of(self.script, values, self.script.objective or self._metric)
        trial.raw, trial.env = raw, env
        trial.inputs = LazyMapping(
            list(self.script.channels), lambda name: self._input(name, places, trial, env)
        )
        views = {**dict.fromkeys(self._names.values()), **views_of(self.script, raw, values)}
        with printed_metrics(self.script.log_metrics, reporting):
            if isinstance(self.function, FineTuning):
                self.function.run(trial, views, places.job)
                return None
            return self.function.run(trial, views, secrets)

    def _resolved(
        self, trial: Trial, values: Mapping[str, Any]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Return the variables, the secret hyperparameters, and every secret by its own name."""
        hidden: dict[str, str] = {}

        def value(given: Any) -> str:
            secret = reference(given)
            if secret is None:
                return str(given)
            return hidden.setdefault(secret.secret, trial.secret(secret.secret))

        env = {name: value(given) for name, given in self.script.env.items()}
        secrets = {name: value(given) for name, given in values.items() if reference(given) is not None}
        return env, secrets, hidden

    def _input(self, name: str, places: Places, trial: Trial, env: Mapping[str, str]) -> str:
        def go_on() -> None:
            if trial.should_stop():
                raise TrialStopped("told to end while its inputs were fetched")

        return local_input(
            self.script.channels[name].uri,
            self._job.mappings,
            folder=self._job.folder,
            cache=places.job / "inputs",
            verbatim=self.script.convention is Dialect.ASTRAML,
            go_on=go_on,
            options=lambda uri: {
                **options_of(uri, env),
                **storage_options(uri, trial.secret, self._job.storages),
            },
        )

    def _localized(self, text: str) -> str:
        """Return what a URI in an argument is mapped to, `--data=gs://…` too; else the text itself."""
        match = _ASSIGNED.match(text)
        head, value = (match[1], match[2]) if match else ("", text)
        found = mapped(value, self._job.mappings) if check(value) is None else None
        return text if found is None else f"{head}{found}"


def _refuse(script: Script) -> None:
    """Refuse what could only fail in every trial."""
    problems = [problem for each in script.channels.values() if (problem := check(each.uri)) is not None]
    problems += [problem for each in (script.output,) if (problem := check(each)) is not None]
    names = [name for name in script.channels if name in {".", ".."} or "/" in name]
    problems += [Problem("channels", shown(name), "no name of a folder") for name in names]
    for each in script.log_metrics:
        said = compile_problem(each.regex)
        if said:
            problems.append(Problem(f"the regex of {each.name}", each.regex, said))
    if problems:
        raise InvalidSpec(problems, subject="what the request runs")


def _plain_metrics(definition: Definition, script: Script) -> tuple[LogMetric, ...]:
    """Return how a script may print its objectives where no regex says it: `accuracy=0.9`, `accuracy: 0.9`.

    A SageMaker request names its regexes unless it is for a built-in algorithm, whose log spells the metric
    `validation:auc` as `validation-auc:0.9`; a script in its place may print either.
    """
    names = [each.metric for each in definition.objectives]
    if script.convention is Dialect.ASTRAML:
        return tuple(_printed(name, name) for name in names)
    if script.convention is Dialect.SAGEMAKER:
        return tuple(_printed(name, name, name.replace(":", "-")) for name in names)
    return ()


def _printed(name: str, *spellings: str) -> LogMetric:
    number = r"([-+]?(?:[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|nan|inf))"
    spelled = "|".join(map(re.escape, dict.fromkeys(spellings)))
    regex = rf"(?:^|[^\w.-]|#011)(?:{spelled})\s*[=:]\s*{number}"
    return LogMetric.model_construct(name=name, regex=regex)  # of ours: the limit of requests is not for it


def visible(trial: Trial) -> dict[str, str]:
    """Return the variable that shows a process the trial's own GPUs alone."""
    return {"CUDA_VISIBLE_DEVICES": narrowed(trial.devices, os.environ)}
