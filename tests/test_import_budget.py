from __future__ import annotations

import json
import statistics
import subprocess
import sys

HEAVY = {
    "IPython",
    "anywidget",
    "ipywidgets",
    "matplotlib",
    "optuna",
    "pandas",
    "papermill",
    "plotly",
    "ray",
    "sqlalchemy",
    "torch",
    "transformers",
}

# CPU time of the import alone: a busy machine makes it wait longer, not work longer.
MEASURE = """
import json, sys, time
start = time.process_time()
import astraml_lab
print(json.dumps({"seconds": time.process_time() - start, "modules": sorted(sys.modules)}))
"""


def test_the_import_is_light_and_takes_less_than_a_fifth_of_a_second() -> None:
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert HEAVY.isdisjoint(runs[0]["modules"])
    assert statistics.median(run["seconds"] for run in runs) < 0.2


def test_what_runs_scripts_loads_engines_and_file_systems_when_it_needs_them() -> None:
    names = ("re2", "regex", "fsspec", "hypertune")
    text = f"import sys, astraml_lab.objectives; print([each for each in {names} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_help_of_the_command_line_loads_only_what_it_needs() -> None:
    names = HEAVY | {"pydantic", "yaml", "fsspec"}
    text = f"""
import sys
from astraml_lab.cli.app import app
app(["--help"], standalone_mode=False)
print([name for name in {sorted(names)} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
