from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -c binder/requirements.txt -e "
TEST_COMMAND = INSTALL + '".[test]" && .venv/bin/pytest'
MAIN_JOB_COMMAND = INSTALL + '".[quickstart]" && .venv/bin/astraml quickstart'


@pytest.mark.parametrize("file", ["README.md", ".ci/run"])
def test_the_test_command_is_the_same_one_line_in_the_readme_and_in_ci(file: str) -> None:
    assert TEST_COMMAND in (ROOT / file).read_text().splitlines()


def test_the_readme_runs_the_main_job_with_one_line() -> None:
    assert MAIN_JOB_COMMAND in (ROOT / "README.md").read_text().splitlines()
