"""What a script says of its metrics, and how it gets to the trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from astraml_lab.trial.outside import read_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Report = Callable[[Mapping[str, float], int | None], None]

_NOT_METRICS = frozenset({"timestamp", "trial", "global_step", "checkpoint_path"})
_MOST = 1 << 22


class MetricFile(Protocol):
    """A file that a script writes while it runs."""

    def look(self) -> object:
        """Report what is new in it."""


class ReportFile:
    """Lines that `astraml_lab.report` has appended in the script."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._report = report
        self._read = 0

    def look(self) -> bool:
        """Report whole lines that are new, some megabytes at most; return whether there were any."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read(_MOST)
        except OSError:
            return False
        data = data[: data.rfind(b"\n") + 1]
        self._read += len(data)
        for line in data.decode("utf-8", "replace").splitlines():
            found = read_report(line)
            if found is not None:
                self._report(*found)
        return bool(data)


class HypertuneFile:
    """The file of cloudml-hypertune: it is written anew at every report and holds the last hundred."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._report = report
        self._stamp: tuple[int, int] | None = None
        self._seen: dict[tuple[str, ...], None] = {}
        self._counts: dict[str, int] = {}
        self._unstepped: set[str] = set()

    def look(self) -> None:
        """Report the entries that are new."""
        try:
            status = self._path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if stamp == self._stamp:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        # Half a file, met while it is written, is read again: the stamp changes when it is whole.
        self._stamp = stamp
        seen: dict[tuple[str, ...], None] = {}
        for line in text[: text.rfind("\n") + 1].splitlines():
            entry = _entry(line)
            if entry is None:
                continue
            metrics = {name: value for name, value in entry.items() if name not in _NOT_METRICS}
            key = (str(entry.get("global_step")), str(entry.get("timestamp")), *sorted(metrics))
            seen[key] = None
            if key not in self._seen:
                self._tell(metrics, entry.get("global_step"))
        if seen:
            self._seen = self._seen | seen if len(self._seen) < 10 * len(seen) else seen

    def _tell(self, metrics: Mapping[str, Any], step: Any) -> None:
        for name, value in metrics.items():
            try:
                number, at = float(value), int(step or 0)
            except (TypeError, ValueError):
                continue
            count = self._counts[name] = self._counts.get(name, -1) + 1
            if at == 0 and count:  # a script that says no step has 0 for each
                self._unstepped.add(name)
            self._report({name: number}, count if name in self._unstepped else at)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
