"""What a trial runs -> a CustomJobSpec."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.outcome import DEFAULT_TIMEOUT
from astraml_lab.dialects.vertex.scalars import duration
from astraml_lab.spec import Dialect, SecretRef

if TYPE_CHECKING:
    from astraml_lab.spec import JobSpec, Program, Script


@dataclass(frozen=True)
class Places:
    """What a job of ours does not say and a request must.

    Attributes:
        image: The container of a job that names none: a cell, a function.
        machine_type: The machine of each trial.
        accelerator_type: The GPU of a trial that needs one.
        output: Where results go, `gs://…`.
    """

    image: str = ""
    machine_type: str = ""
    accelerator_type: str = ""
    output: str = ""


def write_task(spec: JobSpec, places: Places, left_out: list[str]) -> dict[str, Any]:
    """Write the job that each trial runs."""
    program = spec.definitions[0].program
    script = program.script if program is not None else None
    pool = {"machineSpec": _machine(spec, places, left_out), "replicaCount": 1}
    if script is None:
        pool["containerSpec"] = {"imageUri": places.image or "local/train"}
        left_out.append(f"The code, {_what(program)}: put it into the image {places.image or 'local/train'}.")
    else:
        pool |= _script(script, places, left_out)
    written: dict[str, Any] = {"workerPoolSpecs": [pool]}
    scheduling = _scheduling(spec, left_out)
    if scheduling:
        written["scheduling"] = scheduling
    output = places.output or (script.output if script is not None else "")
    if output:
        written["baseOutputDirectory"] = {"outputUriPrefix": output}
    return written


def _what(program: Program | None) -> str:
    return "which is nowhere yet" if program is None else f"a {program.kind}"


def _machine(spec: JobSpec, places: Places, left_out: list[str]) -> dict[str, Any]:
    machine: dict[str, Any] = {"machineType": places.machine_type or "n1-standard-4"}
    if not spec.gpus:
        return machine
    whole = math.ceil(spec.gpus)
    if whole != spec.gpus:
        left_out.append(f"{spec.gpus:g} GPUs per trial: a machine has whole ones, {whole} in the request.")
    return machine | {
        "acceleratorType": places.accelerator_type or "NVIDIA_TESLA_T4",
        "acceleratorCount": whole,
    }


def _script(script: Script, places: Places, left_out: list[str]) -> dict[str, Any]:
    task: dict[str, Any] = {}
    args = [*script.args, *_fixed(script, left_out)]
    if args:
        task["args"] = args
    env = [
        {"name": name, "value": value}
        for name, value in script.env.items()
        if not isinstance(value, SecretRef)
    ]
    if env:
        task["env"] = env
    secrets = [name for name, value in script.env.items() if isinstance(value, SecretRef)]
    if secrets:
        left_out.append(f"The secrets {', '.join(secrets)}: a request holds none.")
    _tell_of_the_rest(script, left_out)
    if script.module and not places.image:
        left_out.append("Where the module's package is: name its image and its gs:// URIs.")
        return {
            "pythonPackageSpec": {
                "executorImageUri": "local/python",
                "packageUris": ["gs://bucket/package.tar.gz"],
                "pythonModule": script.target,
                **task,
            }
        }
    command = {"command": list(script.command)} if script.command else {}
    return {"containerSpec": {"imageUri": places.image or script.target, **command, **task}}


def _fixed(script: Script, left_out: list[str]) -> list[str]:
    """Write hyperparameters that do not vary as arguments; secrets stay at home."""
    secrets = [name for name, value in script.fixed.items() if isinstance(value, SecretRef)]
    if secrets:
        left_out.append(f"The secret hyperparameters {', '.join(secrets)}: a request holds none.")
    return [
        f"--{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in script.fixed.items()
        if name not in secrets
    ]


def _tell_of_the_rest(script: Script, left_out: list[str]) -> None:
    if script.channels:
        left_out.append(f"The inputs {', '.join(script.channels)}: a script reads them from gs:// itself.")
    if script.log_metrics:
        left_out.append("Metrics that are read from the log: report them with cloudml-hypertune.")
    if script.checkpoints:
        left_out.append(f"The folder of checkpoints, {script.checkpoints}: it is AIP_CHECKPOINT_DIR there.")
    if script.convention is not Dialect.VERTEX:
        left_out.append(f"The script follows the conventions of {script.convention}.")


def _scheduling(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    scheduling: dict[str, Any] = {}
    if spec.trial_timeout not in {None, DEFAULT_TIMEOUT}:
        scheduling["timeout"] = duration(float(spec.trial_timeout or 0))
    if spec.retries != 0:
        scheduling["restartJobOnWorkerRestart"] = True
    if spec.retries not in {None, 0}:
        left_out.append(f"retries {spec.retries}: a trial is run again once, if its worker died.")
    return scheduling
