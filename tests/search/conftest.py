"""What the tests of the search share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def quiet_optuna() -> Iterator[None]:
    """Have Optuna say nothing of the trials that a test makes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)
