"""A script's process, attended: its output into the log, its metrics to the trial, its end in time."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from astraml_lab.errors import TrialEnd, TrialStopped
from astraml_lab.objectives.script_failure import ScriptFailed, failure_of
from astraml_lab.objectives.script_metrics import Lines, LogMetrics
from astraml_lab.objectives.script_reports import HypertuneFile, MetricFile, ReportFile
from astraml_lab.process import OutOfMemoryCounter, Program
from astraml_lab.secrets import Hidden
from astraml_lab.spec import FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, Literal

    from astraml_lab.spec import LogMetric
    from astraml_lab.trial import Trial

_LOOK = 0.2
"""Seconds between looks at the trial's end and at the metric files."""
_KEPT_ERRORS = 1 << 15


class Reporting:
    """Hands metrics to a trial, by the names that the job has for them, until the trial is told to end.

    Args:
        trial: The trial.
        names: The job's name for a metric, where the script's is another.
    """

    def __init__(self, trial: Trial, names: Mapping[str, str]) -> None:
        self._trial = trial
        self._names = names
        self.end: TrialEnd | None = None

    def report(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Report, unless the trial was told to end."""
        if self.end is not None:
            return
        own = {self._names[name]: value for name, value in metrics.items() if name in self._names}
        try:
            self._trial.report({**metrics, **own}, step=step)
        except TrialEnd as end:
            self.end = end

    def told_to_end(self) -> bool:
        """Whether the trial is to end now."""
        if self.end is None and self._trial.should_stop():
            self.end = TrialStopped("told to end")
        return self.end is not None


class Stream:
    """One stream of output on its way into the log.

    Args:
        file: Takes what is fit to be seen.
        metrics: Finds metrics in it.
        reporting: Takes them.
        secrets: What nobody is to see.
    """

    def __init__(
        self, file: Any, metrics: LogMetrics, reporting: Reporting, secrets: Mapping[str, str]
    ) -> None:
        self._file = file
        self._metrics = metrics
        self._reporting = reporting
        self._lines = Lines()
        self._redactor = Hidden(secrets).stream()
        self.tail = ""

    def add(self, data: bytes) -> None:
        """Take a piece in."""
        self.add_text(self._lines.text(data))

    def add_text(self, text: str) -> None:
        """Take a piece in that is text already."""
        self._show(self._redactor.add(text))
        self._read(self._lines.add(text))

    def end(self) -> None:
        """Take the last line in, if it has no break."""
        self._show(self._redactor.end())
        self._read(self._lines.end())

    def _show(self, text: str) -> None:
        if text:
            self._file.write(text)
            self.tail = (self.tail + text)[-_KEPT_ERRORS:]

    def _read(self, lines: Sequence[str]) -> None:
        for name, value in self._metrics.find(lines) if lines else ():
            self._reporting.report({name: value})


class Script:
    """One run of a script; for the trial's own thread.

    Args:
        name: What it is called in messages.
        reporting: Takes its metrics.
        log_metrics: Metrics that are read from its output.
        secrets: Values that its log is not to hold, by name.
        grace: Seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        name: str,
        reporting: Reporting,
        *,
        log_metrics: Sequence[LogMetric] = (),
        secrets: Mapping[str, str] | None = None,
        grace: float,
    ) -> None:
        self._name = name
        self._reporting = reporting
        self._grace = grace
        self._told_at: float | None = None
        self._killed = False
        hidden = secrets or {}
        self._streams: dict[Literal["out", "err"], Stream] = {
            "out": Stream(sys.stdout, LogMetrics(log_metrics, _note), reporting, hidden),
            "err": Stream(sys.stderr, LogMetrics(log_metrics, _ignore), reporting, hidden),
        }
        self._hidden = Hidden(hidden)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        reports: Path,
        hypertune: Path | None = None,
        failure: Path | None = None,
    ) -> None:
        """Run it to its end.

        Args:
            command: Its command line.
            env: Its whole environment.
            folder: Its working directory.
            reports: Where `astraml_lab.report` writes in it.
            hypertune: Where cloudml-hypertune does.
            failure: Where it may say why it failed.

        Raises:
            TrialPruned: The trial was given up, and it was ended.
            TrialStopped: Likewise, for another reason.
            ScriptFailed: It failed, or could not be started.
        """
        said = ReportFile(reports, self._reporting.report)
        looks: list[MetricFile] = [said]
        if hypertune is not None:
            looks.append(HypertuneFile(hypertune, self._reporting.report))
        memory = OutOfMemoryCounter()
        deaths = memory.count()
        with self._started(command, env, folder) as program:
            while not program.ended:
                for stream, data in program.output(_LOOK):
                    self._streams[stream].add(data)
                for file in looks:
                    file.look()
                self._end_in_time(program)
            while said.look():
                pass  # it has ended: what is left has an end
            for each in self._streams.values():
                each.end()
            code, refused = program.code or 0, program.refused
        if self._told_at is not None and self._reporting.end is not None:
            raise self._reporting.end
        if refused:
            raise ScriptFailed(f"{self._name} could not be started: {refused}", FailureKind.EXCEPTION)
        if code:
            more = memory.count()
            lost = code == -9 and deaths is not None and more is not None and more > deaths  # noqa: PLR2004 - SIGKILL
            errors, clean = self._streams["err"].tail, self._hidden.whole
            raise failure_of(self._name, code, errors, failure, out_of_memory=lost, clean=clean)

    def _started(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> Program:
        try:
            return Program(command, env=env, folder=folder)
        except (OSError, ValueError) as error:
            raise ScriptFailed(
                f"{self._name} could not be started: {error}", FailureKind.EXCEPTION
            ) from error

    def _end_in_time(self, program: Program) -> None:
        now = time.monotonic()
        if self._told_at is None:
            if not program.ended and self._reporting.told_to_end():
                self._told_at = now
                program.terminate()
        elif not self._killed and now - self._told_at > self._grace:
            self._killed = True
            _note(f"{self._name} did not end within {self._grace:g} s of SIGTERM: it was killed")
            program.kill()


def _note(sentence: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"[astraml] {sentence}\n")


def _ignore(sentence: str) -> None:
    """Say nothing: the other stream has said it."""
