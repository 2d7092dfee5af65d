"""One attempt at one trial, in the executor's thread: set the scene, run the user's code, say how it went."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from astraml_lab.devices import activate, allocated_bytes, is_oom, is_poisoned, release_memory
from astraml_lab.errors import AstramlError, TrialEnd, TrialInfeasible
from astraml_lab.jobs.verdict import Attempt, Verdict
from astraml_lab.output import capture, sink_print
from astraml_lab.spec import FailureKind, TrialState
from astraml_lab.trial import Trial, entered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astraml_lab.devices import Lease
    from astraml_lab.jobs.live import LiveTrial
    from astraml_lab.objectives.base import Code
    from astraml_lab.output import TrialSink
    from astraml_lab.spec import Space
    from astraml_lab.trial import Channel

_LONGEST_REASON = 300
_LEAK = 16 * 2**20
"""Bytes that a trial may leave on its GPU unremarked: the allocator's own small blocks."""


def build_trial(trial: LiveTrial, space: Space, lease: Lease, checkpoints: Path, channel: Channel) -> Trial:
    """Make the object that the user's code sees."""
    checkpoints.mkdir(parents=True, exist_ok=True)
    return Trial(
        trial.number,
        space.decode(trial.params),
        channel,
        seed=trial.seed,
        devices=lease.devices,
        checkpoint_dir=checkpoints,
        values=trial.params,
    )


def attempt(
    code: Code, build: Callable[[Channel], Trial], *, lease: Lease, sink: TrialSink
) -> Callable[[Channel], Attempt]:
    """Return the callable that an executor runs for one trial."""

    def run(channel: Channel) -> Attempt:
        before = allocated_bytes(lease.devices)
        with contextlib.closing(sink), capture(sink):
            how = _run(code, build, channel, lease, sink)
            leaked = 0 if how.poisoned else _released(lease) - before
            if leaked > _LEAK:
                note = (
                    f"left {leaked / 2**20:.0f} MiB on {lease.label}: something still refers to its tensors"
                )
                how = replace(how, notes=(*how.notes, note))
        return how

    return run


def _released(lease: Lease) -> int:
    """Empty the device's cache; return what live tensors still hold."""
    try:
        return release_memory(lease.devices)
    except RuntimeError:  # CUDA is in no state to answer; the trial's own end matters more
        return 0


def _run(
    code: Code, build: Callable[[Channel], Trial], channel: Channel, lease: Lease, sink: TrialSink
) -> Attempt:
    try:
        with activate(lease), entered(build(channel)) as trial:
            return Attempt(finished=True, returned=code.run(trial, {"print": sink_print(sink)}) or {})
    except BaseException as error:  # noqa: BLE001 - whatever user code raises ends this trial only
        return _failed(code, error, sink)


def _failed(code: Code, error: BaseException, sink: TrialSink) -> Attempt:
    if isinstance(error, TrialInfeasible):
        return Attempt(Verdict(TrialState.FAILED, _clean(str(error.reason)), FailureKind.INFEASIBLE))
    if isinstance(error, TrialEnd):
        return Attempt()
    if _is_optunas_pruned(error):
        return Attempt(
            Verdict(TrialState.PRUNED, _clean(_said(error)) or "the code raised optuna.TrialPruned")
        )
    text = _clean(code.traceback(error))
    sink.write("err", text if text.endswith("\n") else text + "\n")
    kind = FailureKind.OOM if is_oom(error) else FailureKind.EXCEPTION
    verdict = Verdict(TrialState.FAILED, _reason(error), kind)
    return Attempt(verdict, traceback=text, poisoned=is_poisoned(error))


def _reason(error: BaseException) -> str:
    """Say an exception in one line."""
    said = _clean(" ".join(_said(error).split()))
    name = type(error).__name__
    words = said if isinstance(error, AstramlError) and said else f"{name}: {said}" if said else name
    return words if len(words) <= _LONGEST_REASON else words[: _LONGEST_REASON - 1] + "…"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as worse:  # noqa: BLE001 - a user's exception may fail even at this
        return f"(its text could not be had: {type(worse).__name__})"


def _clean(text: str) -> str:
    """Make text storable: a file name that is no UTF-8 comes as lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_optunas_pruned(error: BaseException) -> bool:
    """Whether user code raised Optuna's own signal; only possible once it has imported Optuna."""
    optuna = sys.modules.get("optuna")
    return optuna is not None and isinstance(error, optuna.TrialPruned)
