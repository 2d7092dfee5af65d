"""A trial's output: sink (log file and tail) and router (who prints where)."""

from __future__ import annotations

from astraml_lab.output.logfile import Line, Stream, parse_line, read_tail
from astraml_lab.output.router import capture, install, sink_print, uninstall
from astraml_lab.output.sink import TrialSink

__all__ = [
    "Line",
    "Stream",
    "TrialSink",
    "capture",
    "install",
    "parse_line",
    "read_tail",
    "sink_print",
    "uninstall",
]
