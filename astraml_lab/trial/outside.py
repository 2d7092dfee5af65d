"""`report` in a script that a trial started: its metrics reach the trial by a file, line by line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from astraml_lab.errors import NotInTrial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import AnyDimension

METRIC_FILE = "ASTRAML_METRIC_FILE"
"""The variable that tells a script of ours where its reports go."""


def reports_go_to() -> Path | None:
    """Return the file that takes this process's reports, if a trial has started it."""
    name = os.environ.get(METRIC_FILE)
    return Path(name) if name else None


class FileChannel:
    """The channel of a script's process: it says, and hears nothing.

    Args:
        file: Takes the reports.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Append a report; one write, so that a reader sees whole lines."""
        line = json.dumps({"metrics": dict(metrics), "step": step}) + "\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def should_stop(self) -> bool:
        """Never: the end comes as a signal."""
        return False

    def secret(self, name: str) -> NoReturn:
        """Refuse."""
        raise NotInTrial(f'a script gets {name} as a variable: "env": {{"TOKEN": {{"secret": "{name}"}}}}')

    def suggest(self, name: str, dimension: AnyDimension) -> NoReturn:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise NotInTrial("a script gets its parameters as arguments, and can suggest none")


def read_report(line: str) -> tuple[dict[str, float], int | None] | None:
    """Return the metrics and the step of a line; None for what is no report."""
    try:
        found: Any = json.loads(line)
        return {str(name): float(value) for name, value in found["metrics"].items()}, found["step"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
