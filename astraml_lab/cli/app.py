"""The commands of `astraml`: thin callers of `astraml_lab.lab`.

Exit status: 0 done, 2 bad input, 1 a job failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab._version import __version__
from astraml_lab.cli import jobs, policies, requests, secrets
from astraml_lab.errors import AstramlError, JobCancelled, JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="astraml",
    help="Hyperparameter tuning that lives in the notebook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
BAD_INPUT = 2


def main() -> None:
    """Run the command line; our own errors are one sentence, without a traceback."""
    try:
        app()
    except AstramlError as error:
        sys.stderr.write(f"astraml: {error}\n")
        sys.exit(1 if isinstance(error, JobFailed | JobCancelled) else BAD_INPUT)


@app.callback(invoke_without_command=True)
def root(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    """Hyperparameter tuning that lives in the notebook."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def quickstart(
    *,
    trials: Annotated[int, typer.Option(min=1, help="Configurations to try.")] = 16,
    parallel: Annotated[int, typer.Option(min=1, help="How many at once.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images per trial.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 0,
    name: Annotated[str, typer.Option(help="The job's name; a finished one is shown.")] = "quickstart",
    output: Annotated[Path, typer.Option(help="Where the executed notebook goes.")] = Path(
        "quickstart.ipynb"
    ),
) -> None:
    """Tune a small network on handwritten digits, from a notebook, in about a minute."""
    from astraml_lab.cli.quickstart import run

    parameters = {"trials": trials, "parallel": parallel, "epochs": epochs, "seed": seed, "name": name}
    run(output, parameters)


_COMMANDS: dict[str, Callable[..., None]] = {
    "list": jobs.list_jobs,
    "show": jobs.show,
    "stop": jobs.stop,
    "pause": jobs.pause,
    "resume": jobs.resume,
    "translate": requests.translate,
    "submit": requests.submit,
    "query": requests.query,
    "migrate": requests.migrate,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(policies.app, name="policy")
app.add_typer(secrets.app, name="secret")
