"""Why a job is PAUSED: a person said so, or something is missing without which no trial can start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from astraml_lab.jobs.record import Record

BY_HAND = "paused by hand: what runs goes on, no new trial starts"


class Hold:
    """Moves a job between RUNNING and PAUSED; touched by its runner alone.

    What a person paused, a person resumes; what a cause holds goes on as soon as the cause is gone.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._causes: dict[str, str] = {}

    def pause(self) -> None:
        """Pause by hand."""
        if self._record.state in {JobState.RUNNING, JobState.PAUSED}:
            self._causes.clear()
            self._record.move(JobState.PAUSED, BY_HAND)

    def resume(self) -> None:
        """Go on by hand; a cause that is still there holds the job again."""
        self._causes.clear()
        if self._record.state is JobState.PAUSED:
            self._record.move(JobState.RUNNING)

    def judge(self, cause: str, sentence: str) -> None:
        """Hold a running job as long as a cause is said, and go on where the sentence is empty."""
        if sentence:
            self.because(cause, sentence)
        else:
            self.lift(cause)

    def because(self, cause: str, sentence: str) -> None:
        """Hold a running job until `lift` is called for the same cause."""
        by_cause = self._record.state is JobState.PAUSED and self._causes
        if self._record.state is JobState.RUNNING or by_cause:
            before = self._said
            self._causes[cause] = sentence
            if self._said != before:
                self._record.move(JobState.PAUSED, self._said)

    def lift(self, cause: str) -> None:
        """Say that a cause is gone."""
        if self._causes.pop(cause, None) is None or self._record.state is not JobState.PAUSED:
            return
        if self._causes:
            self._record.move(JobState.PAUSED, self._said)
        else:
            self._record.move(JobState.RUNNING)

    @property
    def _said(self) -> str:
        """What is said of the causes: a full disk is why the store cannot be written, so that comes first."""
        return self._causes.get("disk") or next(reversed(self._causes.values()), "")
