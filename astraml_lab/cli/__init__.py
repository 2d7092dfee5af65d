"""The command line: `astraml`, or `python -m astraml_lab`."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; also its imports, which take a second, end at Ctrl-C without a traceback."""
    try:
        from astraml_lab.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("astraml: interrupted before the command began; nothing was done\n")
        sys.exit(INTERRUPTED)


__all__ = ["main"]
