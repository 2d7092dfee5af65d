"""The channel of a trial in a thread: reports go to the live job, suggestions to the runner."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from astraml_lab.errors import TrialStopped
from astraml_lab.jobs.events import Suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.jobs.live import LiveJob, LiveTrial
    from astraml_lab.spec import AnyDimension, ParamValue

    Ask = Callable[[Suggest], None]


class LiveChannel:
    """Implements `trial.Channel`; thread-safe."""

    def __init__(self, live: LiveJob, trial: LiveTrial, ask: Ask, secret: Callable[[str], str]) -> None:
        self._live = live
        self._trial = trial
        self._attempt = trial.attempt
        self._ask = ask
        self._secret = secret

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record the metrics and decide at once."""
        if self._trial.attempt != self._attempt:
            raise TrialStopped("this attempt is over, the trial runs again")
        self._live.report(self._trial, metrics, step)

    def should_stop(self) -> bool:
        """Whether the next report would end the trial."""
        with self._live.lock:
            return self._trial.verdict is not None or self._trial.attempt != self._attempt

    def secret(self, name: str) -> str:
        """Look a secret up; from then on the trial's log does not show it."""
        return self._secret(name)

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        """Ask the runner, the only thread that touches the study; waits for its answer."""
        answer: Future[ParamValue] = Future()
        self._ask(Suggest(self._trial.number, name, dimension, answer))
        return answer.result()
