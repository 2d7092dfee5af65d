"""The folders around a trial whose script, function or fine-tuning runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.trial import Trial


@dataclass(frozen=True)
class Places:
    """The folders around a trial's.

    Attributes:
        trial: Its own.
        job: What its job's trials share.
        home: The lab's.
    """

    trial: Path
    job: Path
    home: Path

    @classmethod
    def of(cls, trial: Trial) -> Places:
        """Find them."""
        folder = trial.checkpoint_dir.absolute().parent
        job = folder.parent.parent if folder.parent.name == "trials" else folder
        home = next((each.parent for each in job.parents if each.name == "projects"), job)
        return cls(folder, job, home)
