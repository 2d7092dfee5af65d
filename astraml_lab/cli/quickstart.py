"""`astraml quickstart`: run the packaged notebook headless, then say what came out."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from astraml_lab.errors import InvalidSpec, JobFailed, Problem
from astraml_lab.optional import load

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTEBOOK = "quickstart.ipynb"
_LAST_OUTPUT = 120
"""Seconds for what a cell has shown to arrive after its end; a busy machine takes more than papermill's 4."""


def quickstart(
    *,
    trials: Annotated[int, typer.Option(min=1, help="Configurations to try.")] = 16,
    parallel: Annotated[int, typer.Option(min=1, help="How many at once.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images per trial.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 0,
    name: Annotated[str, typer.Option(help="The job's name; a finished one is shown.")] = "quickstart",
    output: Annotated[Path, typer.Option(help="Where the executed notebook goes.")] = Path(NOTEBOOK),
) -> None:
    """Tune a small network on handwritten digits, from a notebook, in about a minute."""
    parameters = {"trials": trials, "parallel": parallel, "epochs": epochs, "seed": seed, "name": name}
    run(output, parameters)


def run(output: Path, parameters: Mapping[str, Any]) -> None:
    """Execute the notebook into `output`, print its progress, then the best trials and where it lies.

    Raises:
        MissingExtra: torch or scikit-learn is not installed.
        InvalidSpec: `output` cannot be written.
        JobFailed: A cell failed; its own traceback was printed.
    """
    for module in ("torch", "sklearn"):
        load(module, extra="quickstart")
    if not output.absolute().parent.is_dir():
        raise InvalidSpec([Problem("--output", str(output), "its folder must exist")], subject="the command")
    began = time.monotonic()
    trials, parallel = parameters["trials"], parameters["parallel"]
    typer.echo(f"Running {NOTEBOOK}: {trials} trials, {parallel} at once …")
    _execute(packaged_notebook(), output, parameters)
    _summarize(str(parameters["name"]), output, time.monotonic() - began)


def packaged_notebook() -> Path:
    """Return the notebook: inside an installed package, or in the clone of an editable one."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "notebooks" / NOTEBOOK
    return inside if inside.is_file() else package.parent / "notebooks" / NOTEBOOK


def _execute(source: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    import papermill

    logger = logging.getLogger("papermill")
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_only_output)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=dict(parameters),
            progress_bar=False,
            log_output=True,
            iopub_timeout=_LAST_OUTPUT,
            extra_arguments=["--log-level=ERROR"],  # its advice on transports says nothing to a newcomer
        )
    except papermill.exceptions.PapermillExecutionError as error:
        raise JobFailed(f"{error.ename}: {error.evalue} (the notebook so far: {output})") from None
    finally:
        logger.removeHandler(handler)


def _only_output(record: logging.LogRecord) -> bool:
    """Let through what the cells print; papermill's own lines say nothing to a newcomer."""
    text = record.getMessage()
    return not text.startswith(("Executing", "Ending", "Input Notebook", "Output Notebook", "Executing Cell"))


def _summarize(name: str, output: Path, seconds: float) -> None:
    from astraml_lab import lab
    from astraml_lab.jobs import describe_job
    from astraml_lab.spec import format_duration

    job = lab.job(name)
    lines = ["", describe_job(job.view()), ""]
    front = job.pareto
    if front:
        best = max(front, key=lambda trial: trial.metrics["accuracy"])
        lines += [f"Best accuracy: {best!r}", "", "The Pareto front (accuracy up, latency down):"]
        lines += [f"  {trial!r}" for trial in sorted(front, key=lambda trial: -trial.metrics["accuracy"])]
    lines += [
        "",
        f"The notebook with the charts: {output.absolute()}",
        f"Done in {format_duration(seconds)}. Open the notebook in JupyterLab, or run: astraml show {name}",
    ]
    typer.echo("\n".join(lines))
