"""Where the lab keeps what it keeps."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def default_home() -> Path:
    """Return ASTRAML_HOME, or the platform's folder for a user's data."""
    home = os.environ.get("ASTRAML_HOME")
    return Path(home).expanduser() if home else platformdirs.user_data_path("astraml-lab", appauthor=False)
