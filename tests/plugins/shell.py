"""An IPython shell in the tests' own process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def one_shell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make the one IPython shell of the session."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    make: Any = InteractiveShell  # IPython's own calls are untyped
    folder: Path = tmp_path_factory.mktemp("ipython")
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    with pytest.MonkeyPatch.context() as around:
        for prompt in ("ps1", "ps2", "ps3"):  # IPython sets them; for the tests after it they mean a person
            around.setattr(sys, prompt, "", raising=False)
        return make(config=config, ipython_dir=str(folder))


@pytest.fixture
def shell(one_shell: Any) -> Iterator[Any]:
    """Hand out the one IPython, without what the test before defined (`reset()` would take a second)."""
    before = dict(one_shell.user_ns)
    yield one_shell
    one_shell.user_ns.clear()
    one_shell.user_ns.update(before)
