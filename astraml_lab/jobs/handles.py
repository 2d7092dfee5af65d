"""Handles of single trials: what `job.trials[7]` and `job.best` give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import NotFound
from astraml_lab.jobs.constraints import reason_of
from astraml_lab.objectives import EXECUTED
from astraml_lab.objectives.finetune import copy_kept, kept_model, load_kept, not_kept
from astraml_lab.spec import JobState, shown, trial_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import CurveView, FailureKind, ParamValue, TrialState, TrialView


@dataclass(frozen=True)
class TrialLog:
    """What a trial printed.

    Attributes:
        path: The whole log as a file.
    """

    path: Path
    _reader: JobReader
    _number: int

    def tail(self, lines: int = 20) -> str:
        """Return the last lines, up to this moment."""
        return "\n".join(self._reader.log_tail(self._number, lines))

    def __str__(self) -> str:
        return self.tail(100)

    __repr__ = __str__


class TrialHandle:
    """One trial, as it stands at every access.

    Attributes:
        number: Counts from 0 within the job.
        folder: Where its log and checkpoint lie.
    """

    def __init__(self, reader: JobReader, number: int, folder: Path) -> None:
        self.number = number
        self.folder = folder
        self._reader = reader

    def view(self) -> TrialView:
        """Return a snapshot.

        Raises:
            NotFound: The job has no such trial.
        """
        found = self._reader.trial(self.number)
        if found is None:
            count = sum(self._reader.view().counts.values())
            raise NotFound(f"the job has no trial {self.number}; it has {count}, numbered from 0")
        return found

    @property
    def state(self) -> TrialState:
        """Where it stands."""
        return self.view().state

    @property
    def kind(self) -> FailureKind | None:
        """Why it is FAILED, if it is."""
        return self.view().kind

    @property
    def params(self) -> dict[str, ParamValue]:
        """Values by name; an inactive conditional parameter is `None`."""
        return self.view().params

    @property
    def values(self) -> tuple[float, ...] | None:
        """One per objective, once it is COMPLETE."""
        return self.view().values

    @property
    def metrics(self) -> dict[str, float]:
        """The last report of every metric."""
        return self.view().metrics

    @property
    def reason(self) -> str:
        """Why it ended as it did, and which constraints it violates, if any; empty for most."""
        return reason_of(self._reader.view().subject_to, self.view())

    @property
    def traceback(self) -> str:
        """The traceback of the user's code, or empty."""
        return self.view().traceback

    @property
    def checkpoint_dir(self) -> Path:
        """The folder that its code saved to through `trial.checkpoint_dir`."""
        return self.folder / "checkpoint"

    @property
    def notebook(self) -> Path | None:
        """The executed notebook, as far as it came; `None` where no notebook ran."""
        path = self.folder / EXECUTED
        return path if path.is_file() else None

    @property
    def log(self) -> TrialLog:
        """What it printed."""
        return TrialLog(self.folder / "log.txt", self._reader, self.number)

    def load_model(self) -> tuple[Any, Any]:
        """Load the model that a fine-tuning has kept: its best, and the tokenizer.

        Returns:
            A transformers model on the CPU in evaluation mode, and its tokenizer.

        Raises:
            NotFound: The trial has kept none.
            MissingExtra: transformers is not installed.
        """
        return load_kept(self._kept_model())

    def save(self, folder: str | PathLike[str]) -> Path:
        """Copy that model and its tokenizer into a new or empty folder, as `from_pretrained` reads them.

        Raises:
            NotFound: The trial has kept none.
            Conflict: The folder holds something.
        """
        return copy_kept(self._kept_model(), Path(folder).expanduser())

    def _kept_model(self) -> Path:
        found = kept_model(self.checkpoint_dir)
        if found is None:
            raise not_kept(self.number, self.checkpoint_dir)
        return found

    def curve(self, metric: str) -> CurveView | None:
        """Return a metric by step."""
        return self._reader.curve(self.number, metric)

    def __repr__(self) -> str:
        return _words(self._reader, [self.view()])


class Trials(Mapping[int, TrialHandle]):
    """The trials of a job by number."""

    def __init__(self, reader: JobReader, folder_of: Callable[[int], Path]) -> None:
        self._reader = reader
        self._folder_of = folder_of

    def __getitem__(self, number: int) -> TrialHandle:
        """Return the trial of a number.

        Raises:
            NotFound: The job has no such trial.
            TypeError: It is no number.
        """
        try:
            number = index(number)
        except TypeError:
            raise TypeError(f"a trial goes by its number, job.trials[3], not by {shown(number)}") from None
        handle = TrialHandle(self._reader, number, self._folder_of(number))
        handle.view()
        return handle

    def __iter__(self) -> Iterator[int]:
        return iter([view.number for view in self._reader.trials()[1]])

    def __len__(self) -> int:
        return sum(self._reader.view().counts.values())

    def __repr__(self) -> str:
        return _words(self._reader, self._reader.trials()[1]) or "no trial yet"


def _words(reader: JobReader, views: Iterable[TrialView]) -> str:
    job = reader.view()
    stale = job.state is JobState.STALE
    told = (replace(view, reason=reason_of(job.subject_to, view)) for view in views)
    return "\n".join(trial_words(view, job.objectives, stale=stale) for view in told)
