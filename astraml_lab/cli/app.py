"""The commands of `astraml`: thin callers of `astraml_lab.lab`.

Exit status: 0 done, 1 a job failed, 2 bad input, 130 Ctrl-C; of `wait` also 124, the time was up.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from astraml_lab._version import __version__
from astraml_lab.cli import (
    answers,
    control,
    jobs,
    logs,
    notebooks,
    policies,
    requests,
    schedules,
    secrets,
    submitting,
    usage,
)
from astraml_lab.cli.quickstart import quickstart
from astraml_lab.errors import AstramlError, JobCancelled, JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable

BAD_INPUT = 2
RUN, LOOK, CONTROL, REQUESTS, PROJECT = (
    "Run",
    "Look",
    "Control",
    "Requests of services",
    "Of a project",
)
_HELP = """Hyperparameter tuning that lives in the notebook, from a shell.

Exit status: 0 done, 1 the job failed or was stopped, 2 bad input, 130 Ctrl-C, 124 `wait --timeout` was up.
"""


class Command(NamedTuple):
    """One command.

    Attributes:
        name: What is typed.
        function: What typer calls; heavy imports stay inside it.
        group: Under which heading `--help` has it.
    """

    name: str
    function: Callable[..., None]
    group: str


COMMANDS = (
    Command("quickstart", quickstart, RUN),
    Command("submit", submitting.submit, RUN),
    Command("resume", control.resume, RUN),
    Command("scheduler", schedules.scheduler, RUN),
    Command("lab", notebooks.lab, RUN),
    Command("list", jobs.list_jobs, LOOK),
    Command("status", jobs.status, LOOK),
    Command("show", jobs.show, LOOK),
    Command("best", jobs.best, LOOK),
    Command("logs", logs.logs, LOOK),
    Command("metrics", jobs.metrics, LOOK),
    Command("query", requests.query, LOOK),
    Command("wait", control.wait, CONTROL),
    Command("pause", control.pause, CONTROL),
    Command("stop", control.stop, CONTROL),
    Command("delete", control.delete, CONTROL),
    Command("translate", requests.translate, REQUESTS),
    Command("export", requests.export, REQUESTS),
    Command("migrate", requests.migrate, REQUESTS),
)
GROUPS_OF_COMMANDS: tuple[tuple[str, typer.Typer, str], ...] = (
    ("schedule", schedules.app, RUN),
    ("policy", policies.app, PROJECT),
    ("secret", secrets.app, PROJECT),
)
"""Commands with commands of their own (`astraml policy get`): name, their app, group."""

app = typer.Typer(
    name="astraml",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; our own errors are one sentence, without a traceback."""
    try:
        sys.exit(_status())
    except AstramlError as error:
        if "--json" in sys.argv:
            answers.print_json(answers.refusal_facts(error))
        sys.stderr.write(f"astraml: {answers.in_a_shell(str(error))}\n")
        sys.exit(1 if isinstance(error, JobFailed | JobCancelled) else BAD_INPUT)
    except OSError as error:  # a full disk, a terminal that is gone: the system's words say it
        about = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"astraml: the system refused: {error.strerror or error}{about}\n")
        # what is left to write cannot be written at the exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(BAD_INPUT)


def _status() -> int:
    """Run what was typed; return the exit status.

    Raises:
        WrongLine: It is no command with its options.
    """
    try:
        status = app(standalone_mode=False)
    except usage.USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # typer's way to show the help
            error.show()
            return BAD_INPUT
        raise usage.wrong_line(error) from None
    except typer.Abort:  # at a question: Ctrl-C, or the end of the input
        sys.stderr.write("astraml: nothing was done.\n")
        return 1
    return status if isinstance(status, int) else 0


@app.callback(invoke_without_command=True)
def root(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    """Print the version, if that is asked."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _flowing(text: str | None) -> str:
    """Return a docstring with its paragraphs on one line each: the terminal breaks them."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


for _command in COMMANDS:
    _help = _flowing(_command.function.__doc__)
    app.command(_command.name, help=_help, rich_help_panel=_command.group)(_command.function)
for _name, _inner, _group in GROUPS_OF_COMMANDS:
    app.add_typer(_inner, name=_name, rich_help_panel=_group)
