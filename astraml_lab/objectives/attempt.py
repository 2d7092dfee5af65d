"""One attempt at one trial: run the user's code in its place, and say how it went.

An attempt travels: in a thread it is called where it was made, in a process it arrives as a pickle. So it
holds values, the code and the space, and nothing of the job.
"""

from __future__ import annotations

import errno
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.devices import is_oom, is_poisoned
from astraml_lab.errors import AstramlError, TrialEnd, TrialInfeasible
from astraml_lab.objectives.script_failure import ScriptFailed
from astraml_lab.objectives.trainers import isolated
from astraml_lab.secrets import Hidden
from astraml_lab.spec import FailureKind, TrialState
from astraml_lab.trial import Attempt, Trial, Verdict, entered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from astraml_lab.objectives.base import Code
    from astraml_lab.objectives.places import Place
    from astraml_lab.spec import ParamValue, Space
    from astraml_lab.trial import Channel

_LONGEST_REASON = 300
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# torch's own file writer loses the errno
_FULL_SIGNS = ("iostream error", "unexpected pos")
_NO_LINE = "EOF when reading a line"
_NO_KEYBOARD = "a trial has no keyboard, so input() cannot ask: set the value in a cell above"
_CHAIN_LIMIT = 20


@dataclass(frozen=True)
class TrialRun:
    """What an executor calls for one trial.

    Attributes:
        code: What the trial runs.
        space: Turns labels into the objects behind them.
        place: Where it runs: a thread of the kernel or a process.
        number: The trial's number.
        params: The stored values.
        seed: The trial's seed.
        checkpoint_dir: Its folder; made if need be.
    """

    code: Code
    space: Space
    place: Place
    number: int
    params: Mapping[str, ParamValue]
    seed: int
    checkpoint_dir: Path

    def __call__(self, channel: Channel) -> Attempt:
        """Run the code once; never raises what the code raises."""
        return self.place.around(lambda extras: self._isolated(channel, extras), self.seed)

    def _isolated(self, channel: Channel, extras: Mapping[str, Any]) -> Attempt:
        with isolated(self.place.devices, self.checkpoint_dir):
            return self._attempt(channel, extras)

    def _attempt(self, channel: Channel, extras: Mapping[str, Any]) -> Attempt:
        hidden = Hidden()
        try:
            with entered(self._trial(channel, hidden)) as trial:
                return Attempt(finished=True, returned=self.code.run(trial, extras) or {})
        except BaseException as error:  # noqa: BLE001 - whatever user code raises ends this trial only
            return self._failed(error, hidden)

    def _trial(self, channel: Channel, hidden: Hidden) -> Trial:
        self.checkpoint_dir.mkdir(parents=True, exist_ok=True)
        return Trial(
            self.number,
            self.space.decode(self.params),
            channel,
            seed=self.seed,
            devices=self.place.devices,
            checkpoint_dir=self.checkpoint_dir,
            values=self.params,
            learn=hidden.learn,
        )

    def _failed(self, error: BaseException, hidden: Hidden) -> Attempt:
        if isinstance(error, TrialInfeasible):
            reason = _clean(hidden.whole(str(error.reason)))
            return Attempt(Verdict(TrialState.FAILED, reason, FailureKind.INFEASIBLE))
        if isinstance(error, TrialEnd):
            return Attempt()
        if _is_optunas_pruned(error):
            reason = _clean(hidden.whole(_said(error))) or "the code raised optuna.TrialPruned"
            return Attempt(Verdict(TrialState.PRUNED, reason))
        text = _clean(hidden.whole(self.code.traceback(error)))
        if isinstance(error, ScriptFailed):  # its log has what it wrote itself
            kind = error.kind
        else:
            self.place.complain(text if text.endswith("\n") else text + "\n")
            kind = FailureKind.OOM if is_oom(error) else FailureKind.EXCEPTION
        verdict = Verdict(TrialState.FAILED, _reason(error, hidden), kind)
        return Attempt(verdict, traceback=text, poisoned=is_poisoned(error), disk_full=_is_disk_full(error))


def _reason(error: BaseException, hidden: Hidden) -> str:
    """Say an exception in one line; secrets go before it is cut, as half of one would not be found."""
    said = _clean(" ".join(hidden.whole(_said(error)).split())) or (
        "memory ran out" if isinstance(error, MemoryError) else ""
    )
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        said = f"the code called exit({'' if error.code is None else error.code})"
    if isinstance(error, EOFError) and said == _NO_LINE:
        said = _NO_KEYBOARD
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


def _is_disk_full(error: BaseException | None) -> bool:
    """Whether the code, or what it called, found no room on the disk."""
    for _ in range(_CHAIN_LIMIT):
        if error is None:
            break
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if isinstance(error, RuntimeError) and any(sign in str(error) for sign in _FULL_SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_optunas_pruned(error: BaseException) -> bool:
    """Whether user code raised Optuna's own signal; only possible once it has imported Optuna."""
    optuna = sys.modules.get("optuna")
    return optuna is not None and isinstance(error, optuna.TrialPruned)
