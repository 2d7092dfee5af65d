"""A fresh interpreter that runs code from its pickle, and a notebook whose functions belong to `__main__`."""

from __future__ import annotations

import json
import linecache
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cloudpickle

from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from astraml_lab.objectives.base import Code

_PROGRAM = """
import json, pickle, sys
from pathlib import Path
given, params, folder = sys.argv[1:]
codes = pickle.loads(Path(given).read_bytes())
loaded = sorted(sys.modules)
from astraml_lab.trial import Trial, entered
class Recorder:
    def __init__(self): self.reports = []
    def report(self, metrics, step): self.reports.append(dict(metrics))
for code in codes:
    recorder, returned, error = Recorder(), None, ""
    trial = Trial(3, json.loads(params), recorder, checkpoint_dir=Path(folder))
    try:
        with entered(trial):
            returned = code.run(trial)
    except BaseException as caught:
        error = code.traceback(caught)
    how = [recorder.reports, returned, error, dict(code.fingerprint()), code.program.source, loaded]
    print(json.dumps(how))
"""


@dataclass(frozen=True)
class Ran:
    """What became of a trial in a fresh interpreter."""

    reports: list[dict[str, float]]
    returned: dict[str, float] | None
    traceback: str
    fingerprint: dict[str, str]
    source: str
    loaded: list[str]


def run_in_child(code: Code, folder: Path, **params: Any) -> Ran:
    """Send the code through a file to an interpreter that has seen nothing of this one."""
    (ran,) = run_all_in_child([code], folder, **params)
    return ran


def run_all_in_child(codes: Sequence[Code], folder: Path, **params: Any) -> list[Ran]:
    """Send several to the same interpreter."""
    path = folder / "code.pickle"
    path.write_bytes(cloudpickle.dumps(codes))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, path, json.dumps(params), folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return [Ran(*json.loads(line)) for line in done.stdout.splitlines()[-len(codes) :]]


def notebook(source: str, name: str = "/tmp/ipykernel_123/456.py") -> dict[str, Any]:  # noqa: S108 - no file
    """Run a notebook's cell as ipykernel does: its functions say `__main__`, its lines are in `linecache`."""
    text = textwrap.dedent(source)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), names)  # noqa: S102 - the test's own text
    return names


def cell(source: str, names: dict[str, Any], *, job: str = "digits") -> CellCode:
    """Read the text below a magic line."""
    return CellCode(parse_cell(textwrap.dedent(source), names, filename="<tune digits>"), names, job=job)
