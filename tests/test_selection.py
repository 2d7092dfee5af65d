from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest

def test_skips_itself():
    pytest.skip("no such program")

@pytest.mark.skip(reason="marked")
def test_is_marked():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_fails_as_expected():
    assert False

def test_passes():
    pass
"""
SKIPPING_MODULE = "import pytest\npytest.skip('whole module', allow_module_level=True)"


def run_pytest(folder: Path, source: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p plugins.selection -ra\nmarkers = gpu\n")
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(Path(__file__).parent)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_a_skip_on_a_developers_machine(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPPING, {})
    assert done.returncode == 0
    assert "1 passed, 2 skipped, 1 xfailed" in done.stdout


def test_a_skip_is_a_failure_in_ci_that_says_its_reason(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPPING, {"CI": "true"})
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in done.stdout
    assert "In CI a skip is a failure. Skipped: no such program" in done.stdout
    assert "In CI a skip is a failure. Skipped: marked" in done.stdout


def test_a_skipped_module_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPPING_MODULE, {"CI": "true"})
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "whole module" in done.stdout


def test_a_gpu_test_is_deselected_where_there_is_no_gpu(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.mark.gpu\ndef test_on_a_gpu(): pass\ndef test_anywhere(): pass\n"
    done = run_pytest(tmp_path, source, {"CI": "true", "CUDA_VISIBLE_DEVICES": ""})
    assert "1 passed, 1 deselected" in done.stdout
