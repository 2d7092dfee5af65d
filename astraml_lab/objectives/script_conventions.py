"""The arguments and variables that a script was written for: SageMaker's, Vertex AI's or our own."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.script_values import (
    TUNING_METRIC,
    decoded,
    is_platforms,
    raw_of,
    reference,
    text_of,
)
from astraml_lab.spec import Dialect
from astraml_lab.trial.outside import METRIC_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from astraml_lab.spec import Script

REPORTS = "metrics.jsonl"
"""The file in a trial's folder that `astraml_lab.report` writes to in its script."""
_OPT_ML = "/opt/ml"
_HOST = "algo-1"
_CHECKPOINTS = "checkpoints"
_RESOURCES = {
    "current_host": _HOST,
    "hosts": [_HOST],
    "network_interface_name": "lo",
    "current_group_name": "homogeneousCluster",
    "current_instance_type": "local",
}
_MACHINE = {
    "num_neurons": 0,
    "hosts": [_HOST],
    "current_host": _HOST,
    "current_instance_type": "local",
    "current_instance_group": "homogeneousCluster",
    "network_interface_name": "lo",
    "log_level": 20,
    "resource_config": _RESOURCES,
}
"""What SageMaker says of the one machine that there is here."""
_VARIABLE = re.compile(r"\$\$\(|\$\(([^()\s]*)\)")
_NO_FOLDER = re.compile(r"[^A-Za-z0-9._-]+")
_NO_NAME = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True)
class Setting:
    """One trial of a script, as far as its convention asks.

    Attributes:
        script: The request.
        values: Hyperparameters by the script's names.
        inputs: Where each channel is here.
        env: The request's variables, resolved.
        secrets: Resolved hyperparameters that are secrets.
        metric: What the script calls the tuned metric.
        job: The job's name.
        project: Its project.
        number: The trial's number, from 0.
        training_job: What SageMaker calls the trial.
        seed: The trial's seed.
        devices: How many GPUs it sees.
        folder: The trial's own folder.
        checkpoints: Where it may leave what it goes on from.
        output: The folder that stands for the request's output; None where it names none.
        localized: Returns what a URI in an argument is mapped to, else the text itself.
    """

    script: Script
    values: Mapping[str, Any]
    inputs: Mapping[str, str]
    env: Mapping[str, str]
    secrets: Mapping[str, str]
    metric: str
    job: str
    project: str
    number: int
    training_job: str
    seed: int
    devices: int
    folder: Path
    checkpoints: Path
    output: Path | None
    localized: Callable[[str], str]


@dataclass(frozen=True)
class Launch:
    """What a script is started with.

    Attributes:
        args: Its arguments.
        env: Its variables on top of the kernel's.
        hypertune: Where cloudml-hypertune writes its metrics.
        failure: Where it may say why it failed.
        model: What becomes of its model.
        output: Where that goes.
    """

    args: tuple[str, ...]
    env: Mapping[str, str]
    hypertune: Path | None = None
    failure: Path | None = None
    model: Path | None = None
    output: Path | None = None


def launch_of(setting: Setting) -> Launch:
    """Make the folders and files of a trial, and return what its script is started with."""
    make = {
        Dialect.SAGEMAKER: _sagemaker,
        Dialect.VERTEX: _vertex,
        Dialect.ASTRAML: _astraml,
    }[setting.script.convention]
    return make(setting)


def expanded(text: str, env: Mapping[str, str]) -> str:
    """Replace `$(NAME)` as Vertex AI does: an unknown name stays, `$$(NAME)` says `$(NAME)`."""

    def value(match: re.Match[str]) -> str:
        return "$(" if match[1] is None else env.get(match[1], match[0])

    return _VARIABLE.sub(value, text)


# SageMaker: the training toolkit's


def _sagemaker(setting: Setting) -> Launch:
    base = setting.folder / "opt-ml"
    folders = _opt_ml_folders(base, setting)
    channels = {name: _channel(base / "input" / "data" / name, path) for name, path in setting.inputs.items()}
    raw = raw_of(setting.script, setting.values, setting.metric)
    own = {name: _moved(decoded(text), setting, base) for name, text in raw.items()}
    hps = {name: value for name, value in own.items() if not is_platforms(name)}
    config = {name: dict(channel.about) for name, channel in setting.script.channels.items()}
    for name, content in (
        ("hyperparameters", raw),
        ("inputdataconfig", config),
        ("resourceconfig", _RESOURCES),
    ):
        (folders["input_config"] / f"{name}.json").write_text(json.dumps(content))
    args = [*(_moved(each, setting, base) for each in setting.script.args), *_toolkit_args(hps)]
    said = {
        **{f"{name}_dir": str(folder) for name, folder in folders.items()},
        **_MACHINE,
        "num_cpus": _cores(),
        "num_gpus": setting.devices,
        "input_data_config": config,
        "framework_params": {name: value for name, value in own.items() if is_platforms(name)},
    }
    training_env = {
        **said,
        "hyperparameters": hps,
        "channel_input_dirs": channels,
        "job_name": setting.training_job,
        "is_master": True,
        "master_hostname": _HOST,
    }
    said |= {"hps": hps, "channels": sorted(channels), "user_args": args}
    env = {
        **{name: _moved(value, setting, base) for name, value in setting.env.items()},
        **{f"SM_CHANNEL_{name.upper()}": path for name, path in channels.items()},
        **{f"SM_HP_{name.upper()}": _toolkit_text(value) for name, value in hps.items()},
        **{f"SM_{name.upper()}": _toolkit_text(value) for name, value in said.items()},
        "SM_TRAINING_ENV": _toolkit_text(training_env),
        **_platforms_env(setting, base),
        **_ours(setting),
    }
    output = (setting.output or setting.folder / "artifacts") / _folder(setting.training_job) / "output"
    failure = base / "output" / "failure"
    return Launch(tuple(args), env, failure=failure, model=folders["model"], output=output)


def _opt_ml_folders(base: Path, setting: Setting) -> dict[str, Path]:
    """Make the folders of `/opt/ml`, without what an earlier attempt left in the way."""
    folders = {
        "model": base / "model",
        "output": base / "output",
        "output_data": base / "output" / "data",
        "output_intermediate": base / "output" / "intermediate",
        "input": base / "input",
        "input_config": base / "input" / "config",
    }
    for folder in (*folders.values(), base / "input" / "data"):
        folder.mkdir(parents=True, exist_ok=True)
    (base / _CHECKPOINTS).unlink(missing_ok=True)
    (base / _CHECKPOINTS).symlink_to(setting.checkpoints)
    (base / "output" / "failure").unlink(missing_ok=True)
    return folders


def _platforms_env(setting: Setting, base: Path) -> dict[str, str]:
    """Return the variables that the platform sets, rather than its toolkit."""
    return {
        "SM_CHECKPOINT_DIR": str(setting.checkpoints),
        "TRAINING_JOB_NAME": setting.training_job,
        "SAGEMAKER_JOB_NAME": setting.training_job,
        "SAGEMAKER_BASE_DIR": str(base),
        "CURRENT_HOST": _HOST,
        TUNING_METRIC.upper(): setting.metric,
    }


def _channel(place: Path, path: str) -> str:
    """Make a channel the folder that it is in a container; a single file becomes its content."""
    if place.is_symlink():
        place.unlink()
    if os.path.isfile(path):  # noqa: PTH113 - text
        place.mkdir(exist_ok=True)
        link = place / os.path.basename(path)  # noqa: PTH119 - likewise
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    elif not place.exists():
        place.symlink_to(path)
    return str(place)


def _moved(value: Any, setting: Setting, base: Path) -> Any:
    """Return what a path of the container is here; any other value is returned as it is."""
    if not isinstance(value, str):
        return value
    local = setting.script.checkpoints.rstrip("/")
    if local and (value == local or value.startswith(f"{local}/")):
        return str(setting.checkpoints) + value.removeprefix(local)
    inside = value == _OPT_ML or value.startswith(f"{_OPT_ML}/")
    return f"{base}{value.removeprefix(_OPT_ML)}" if inside and ".." not in value.split("/") else value


def _toolkit_args(hps: Mapping[str, Any]) -> list[str]:
    args = []
    for name, value in sorted(hps.items()):
        if name:
            args.append(f"--{name}" if len(name) > 1 else f"-{name}")
        if isinstance(value, dict):
            args.append(",".join(f"{key}={each}" for key, each in sorted(value.items())))
        else:
            args.append("" if value is None else str(value))
    return args


def _toolkit_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


# Vertex AI


def _vertex(setting: Setting) -> Launch:
    trial = str(setting.number + 1)
    base = (
        setting.folder / "vertex" if setting.output is None else setting.output / _folder(setting.job) / trial
    )
    folders = {
        "AIP_MODEL_DIR": "model",
        "AIP_CHECKPOINT_DIR": "checkpoints",
        "AIP_TENSORBOARD_LOG_DIR": "logs",
    }
    metric_file = setting.folder / "hypertune" / "output.metrics"
    service = {
        "CLOUD_ML_TRIAL_ID": trial,
        "CLOUD_ML_HP_METRIC_FILE": str(metric_file),
        "CLOUD_ML_JOB_ID": setting.job,
        **{name: f"{base / folder}/" for name, folder in folders.items()},
    }
    for folder in folders.values():
        (base / folder).mkdir(parents=True, exist_ok=True)
    metric_file.parent.mkdir(parents=True, exist_ok=True)
    metric_file.unlink(missing_ok=True)  # of an earlier attempt
    env = dict(service)
    for name, value in setting.env.items():
        env[name] = setting.localized(expanded(value, env))
    env |= service
    args = [setting.localized(expanded(each, env)) for each in setting.script.args]
    args += [
        f"--{name}={text_of(value)}" for name, value in setting.values.items() if reference(value) is None
    ]
    return Launch(tuple(args), {**env, **_ours(setting)}, metric_file)


# our own


def _astraml(setting: Setting) -> Launch:
    output = setting.folder / "output"
    output.mkdir(exist_ok=True)
    plain = {name: value for name, value in setting.values.items() if reference(value) is None}
    args = [setting.localized(each) for each in setting.script.args]
    for name, value in plain.items():
        args += [f"--{name}", text_of(value)]
    env = {
        "ASTRAML_HPS": json.dumps(plain),
        **{f"ASTRAML_HP_{_name(name)}": text_of(value) for name, value in plain.items()},
        **{f"ASTRAML_HP_{_name(name)}": value for name, value in setting.secrets.items()},
        **{f"ASTRAML_INPUT_{_name(name)}": path for name, path in setting.inputs.items()},
        "ASTRAML_MODEL": setting.script.target,
        "ASTRAML_OUTPUT_DIR": str(output),
    }
    if len(setting.inputs) == 1:
        env["ASTRAML_DATASET"] = next(iter(setting.inputs.values()))
    return Launch(tuple(args), {**setting.env, **env, **_ours(setting)})


def _ours(setting: Setting) -> dict[str, str]:
    """Return the variables that every script gets."""
    file = setting.folder / REPORTS
    file.unlink(missing_ok=True)  # of an earlier attempt
    return {
        METRIC_FILE: str(file),
        "ASTRAML_PROJECT": setting.project,
        "ASTRAML_JOB": setting.job,
        "ASTRAML_TRIAL": str(setting.number),
        "ASTRAML_SEED": str(setting.seed),
        "ASTRAML_GPUS": str(setting.devices),
        "ASTRAML_METRIC": setting.metric,
        "ASTRAML_CHECKPOINT_DIR": str(setting.checkpoints),
    }


def _folder(name: str) -> str:
    """Return a folder's name for a job; a display name may hold anything."""
    plain = _NO_FOLDER.sub("-", name).strip("-.")[:100]
    return plain if plain == name else f"{plain}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _name(text: str) -> str:
    return _NO_NAME.sub("_", text.upper())


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
