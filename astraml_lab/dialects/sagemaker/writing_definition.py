"""One definition of a job as a `TrainingJobDefinition`; what it cannot say is listed."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.definition_rules import LONGEST_TRIAL
from astraml_lab.dialects.sagemaker.request_shape import ALGORITHM_NAME
from astraml_lab.dialects.sagemaker.writing_ranges import text_of, write_ranges
from astraml_lab.spec import Dialect, Goal, Script, SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.spec import Channel, Definition, JobSpec

_TYPES = {Goal.MAXIMIZE: "Maximize", Goal.MINIMIZE: "Minimize"}
_URI = re.compile(r"(https|s3)://([^/]+)/?(.*)")
_S3 = ("S3DataType", "S3DataDistributionType", "AttributeNames", "InstanceGroupNames")
_S3_ACCESS = ("ModelAccessConfig", "HubAccessConfig")
_FILES = ("FileSystemId", "FileSystemAccessMode", "FileSystemType")
_CHANNEL = ("ContentType", "CompressionType", "RecordWrapperType", "InputMode", "ShuffleConfig")
_PENDING = (1800, 2_419_200)
_MOST_RETRIES = 30
_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Places:
    """What the service needs to know and a job of ours does not say.

    Attributes:
        image: The training image, where the job names none.
        role_arn: The role that the service assumes.
        output: Where results go.
        instance_type: The machine of each trial.
    """

    image: str = ""
    role_arn: str = ""
    output: str = ""
    instance_type: str = ""


def write_definition(
    spec: JobSpec, definition: Definition, places: Places, left_out: list[str], *, grid: bool
) -> dict[str, Any]:
    """Write a definition with its name, objective and ranges, as one of several would have them."""
    script = _script(definition, places, left_out)
    written: dict[str, Any] = {
        "DefinitionName": definition.name,
        **_objective(definition, left_out),
        "HyperParameterRanges": write_ranges(definition.space, script.names, left_out, grid=grid),
        "AlgorithmSpecification": _algorithm(script),
        "RoleArn": places.role_arn
        or _placeholder("RoleArn", "arn:aws:iam::000000000000:role/name", left_out),
        "OutputDataConfig": _output(script, places, left_out),
        "ResourceConfig": {
            "InstanceType": places.instance_type or _machine(spec),
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": _times(spec, left_out),
    }
    optional = {
        "StaticHyperParameters": _static(script, left_out),
        "InputDataConfig": list(_channels(script, left_out)),
        "Environment": _environment(script, left_out),
    }
    written |= {key: value for key, value in optional.items() if value}
    if script.checkpoints:
        where = f"{written['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{_CHECKPOINTS}"
        written["CheckpointConfig"] = {"S3Uri": where, "LocalPath": script.checkpoints}
    if spec.retries:
        written["RetryStrategy"] = {"MaximumRetryAttempts": min(_MOST_RETRIES, spec.retries)}
    return written


def _script(definition: Definition, places: Places, left_out: list[str]) -> Script:
    program = definition.program
    if program is not None and program.script is not None:
        script = program.script
        if script.convention is not Dialect.SAGEMAKER:
            left_out.append(f"{script.target}: it is written for another service's arguments and variables.")
        if script.command or script.args:
            left_out.append(f"{script.target}: its command and arguments; the image decides them.")
        return script
    kind = "code" if program is None else program.kind
    left_out.append(f"The {kind} that each trial runs: build an image of it.")
    image = places.image or _placeholder("TrainingImage", "example/image:latest", left_out)
    return Script(convention=Dialect.SAGEMAKER, target=image, output=places.output)


def _placeholder(field: str, value: str, left_out: list[str]) -> str:
    left_out.append(f"{field}: {value} is a placeholder.")
    return value


def _objective(definition: Definition, left_out: list[str]) -> dict[str, Any]:
    left_out += [f"The objective {each.metric}: a request has one." for each in definition.objectives[1:]]
    if not definition.objectives:
        left_out.append("There is no objective, and a request needs one.")
        return {}
    first = definition.objectives[0]
    return {"TuningObjective": {"Type": _TYPES[first.goal], "MetricName": first.metric}}


def _algorithm(script: Script) -> dict[str, Any]:
    # an image has a host or a tag, which are no part of an algorithm's name
    is_name = not list(ALGORITHM_NAME.broken(script.target))
    algorithm: dict[str, Any] = {
        "AlgorithmName" if is_name else "TrainingImage": script.target,
        "TrainingInputMode": "File",
    }
    if script.log_metrics:
        algorithm["MetricDefinitions"] = [
            {"Name": metric.name, "Regex": metric.regex} for metric in script.log_metrics
        ]
    return algorithm


def _output(script: Script, places: Places, left_out: list[str]) -> dict[str, str]:
    path = places.output or script.output
    if not _URI.fullmatch(path):
        if path:
            left_out.append(f"The output {path}: the service writes to s3:// only.")
        path = _placeholder("S3OutputPath", "s3://bucket/output", left_out)
    return {"S3OutputPath": path} | ({} if script.compress else {"CompressionType": "NONE"})


def _machine(spec: JobSpec) -> str:
    return "ml.m5.xlarge" if spec.gpus is not None and spec.gpus == 0 else "ml.g5.xlarge"


def _times(spec: JobSpec, left_out: list[str]) -> dict[str, int]:
    times = {}
    if spec.trial_timeout is None:
        left_out.append("A trial without a time limit: the service ends it after a day.")
    else:
        times["MaxRuntimeInSeconds"] = min(LONGEST_TRIAL, math.ceil(spec.trial_timeout))
        if times["MaxRuntimeInSeconds"] != spec.trial_timeout:
            seconds = times["MaxRuntimeInSeconds"]
            left_out.append(f"trial_timeout {spec.trial_timeout:g} s: it is {seconds} s in the request.")
    if spec.limits.max_wait is not None:
        least, most = _PENDING
        times["MaxPendingTimeInSeconds"] = min(most, max(least, math.ceil(spec.limits.max_wait)))
    return times


def _static(script: Script, left_out: list[str]) -> dict[str, str]:
    secrets = [name for name, value in script.fixed.items() if isinstance(value, SecretRef)]
    left_out += [f"The hyperparameter {name}: a request has no references to secrets." for name in secrets]
    return {name: text_of(value) for name, value in script.fixed.items() if name not in secrets}


def _environment(script: Script, left_out: list[str]) -> dict[str, str]:
    env = {}
    for name, value in script.env.items():
        if isinstance(value, SecretRef):
            left_out.append(f"The variable {name}: a request has no references to secrets.")
        else:
            env[name] = value
    return env


def _channels(script: Script, left_out: list[str]) -> Iterator[dict[str, Any]]:
    for name, channel in script.channels.items():
        source = _source(channel)
        if source is None:
            left_out.append(
                f"The input {name}, {channel.uri}: the service reads s3:// and file systems only."
            )
            continue
        about = {key: value for key, value in channel.about.items() if key in _CHANNEL}
        yield {"ChannelName": name, "DataSource": source, **copy.deepcopy(about)}


def _source(channel: Channel) -> dict[str, Any] | None:
    about = copy.deepcopy(channel.about)
    if _URI.fullmatch(channel.uri):
        kept = {key: about[key] for key in (*_S3, *_S3_ACCESS) if key in about}
        return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": channel.uri, **kept}}
    if all(key in about for key in _FILES):
        return {"FileSystemDataSource": {"DirectoryPath": channel.uri, **{key: about[key] for key in _FILES}}}
    return {"DatasetSource": {"DatasetArn": channel.uri}} if channel.uri.startswith("arn:") else None
