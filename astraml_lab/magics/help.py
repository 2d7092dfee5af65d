"""What `%%tune?`, `%tune?` and `%tune help` say, generated from the options and the commands."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from astraml_lab.spec.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLUMN = 30
_WIDTH = 100

_CELL = """\
Run this cell as a hyperparameter search.

    %%tune --maximize accuracy --trials 40 --name digits
    lr    = Float(1e-4, 1e-1, log=True)
    width = Int(16, 256, log=True)
    act   = Categorical(["relu", "gelu"])
    drop  = Float(0.0, 0.5, when={"act": "relu"})     # None while inactive
    epochs = 10                                       # fixed

    model = make_model(width, act).to(device)         # the notebook's names are visible
    for epoch in range(epochs):
        accuracy = train_one_epoch(model, lr)
        report(accuracy=accuracy)                     # ends the trial when it is pruned or stopped

Dimensions are top-level assignments of Float(low, high), Int(low, high), Categorical(choices) or
Discrete(values). In the cell: report(metrics, step=…), device, and trial (params, number, seed, rng,
generator, checkpoint_dir). The cell returns at once and leaves a live dashboard. Running a named cell
again attaches to its job, resumes it, or extends it to more --trials. A body that is JSON or YAML is a
request of SageMaker, Vertex AI or AstraML, and runs; with --dry-run it only shows what becomes of each field.

IPython fills in $x and {x} on this line (--trials $trials); a value with braces needs astraml_lab.tune().

Options:
"""
_LINE = """\
Look after tuning jobs.

    %tune                       list the jobs
    %tune show digits           bring the dashboard back
    %tune best digits --insert  write the best values into a new cell

JOB may be left out where exactly one job fits. `%%tune?` explains how to start one.

Commands:
"""


def cell_help() -> str:
    """Return the help of `%%tune`."""
    return _CELL + table((option.usage, option.help) for option in OPTIONS.values())


def line_help(commands: Iterable[tuple[str, str]]) -> str:
    """Return the help of `%tune`, given usage and meaning of each command."""
    return _LINE + table(commands)


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Lay out usages and their meanings in two columns."""
    lines: list[str] = []
    for usage, meaning in rows:
        wrapped = textwrap.wrap(meaning, _WIDTH - _COLUMN) or [""]
        if len(usage) > _COLUMN - 4:
            lines.append(f"  {usage}")
        else:
            lines.append(f"  {usage:<{_COLUMN - 2}}{wrapped.pop(0)}")
        lines += [" " * _COLUMN + line for line in wrapped]
    return "\n".join(lines) + "\n"
