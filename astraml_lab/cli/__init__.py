"""The command line: `astraml`."""

from __future__ import annotations

from astraml_lab.cli.app import main

__all__ = ["main"]
