from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_module_imports_only_what_its_floor_may() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("errors.py", "import astraml_lab.spec", "The floors"),
        ("store/_breach.py", "import astraml_lab.metrics", "The floors"),
        ("homeless.py", "", "The floors"),
        ("jobs/_breach.py", "import optuna", "optuna only in search"),
        ("search/_breach.py", "import sqlalchemy", "sqlalchemy only in store"),
        ("cli/_breach.py", "from plotly import graph_objects", "anywidget, ipywidgets and plotly only in ui"),
    ],
)
def test_a_breach_of_a_contract_is_found(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "astraml_lab"
    shutil.copytree(ROOT / "astraml_lab", package, ignore=shutil.ignore_patterns("static", "__pycache__"))
    for floor in ("cli", "jobs", "metrics", "search", "spec", "store"):
        (package / floor).mkdir(exist_ok=True)
        (package / floor / "__init__.py").touch()
    with (package / module).open("a") as file:
        file.write(f"\n{line}\n")

    done = lint_imports(tmp_path)

    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout
