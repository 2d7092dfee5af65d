from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = [
    "plugins.selection",
    "plugins.browser",
    "plugins.jobs",
    "plugins.scripts",
    "plugins.transformers_tiny",
    "plugins.kernel",
    "plugins.shell",
    "plugins.full_disk",
]

# A shell has whatever it starts in the background ignore both; the programs of the tests would inherit it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # nobody's own is touched

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if "CI" in os.environ else "local")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a data folder of its own: none may see the user's jobs or another test's."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ASTRAML_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _nobody_comes_to_the_keyboard() -> Iterator[None]:
    """Fail the test that leaves a prompt: to the tests after it that is a person, for whom no job waits."""
    yield
    assert not hasattr(sys, "ps1"), "the test left a shell's prompt in sys.ps1"


@pytest.fixture(autouse=True)
def _nothing_stays_registered() -> Iterator[None]:
    """Forget what a test registered for the images of requests."""
    yield
    scripts = sys.modules.get("astraml_lab.objectives.script_targets")
    if scripts is not None:
        for pattern in list(scripts.TARGETS):
            scripts.TARGETS.forget(pattern)
