"""`astraml submit`: a request runs as a job, in a process of its own that the command watches."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from astraml_lab.cli import answers, interrupts
from astraml_lab.cli.requests import request_of
from astraml_lab.cli.schedules import stored
from astraml_lab.errors import InvalidSpec, Problem, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.cli.apart import Apart
    from astraml_lab.cli.service_line import Line

_WHAT, _VALUES, _SEARCH = "What runs", "Hyperparameters", "Search"
_WHEN, _OTHER, _HOW = "Schedule", "Around it", "How"
Text = str | None
Texts = list[str] | None


def _option(help_text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, metavar=metavar)


DETACH = Annotated[
    bool,
    typer.Option(
        "--detach/--wait",
        help="Return once the job runs; it goes on without the shell.",
        rich_help_panel=_HOW,
    ),
]
_AS_JSON = typer.Option("--json", help="Print JSON for programs.", rich_help_panel=_HOW)


@interrupts.starting()
def submit(  # noqa: PLR0913 - each is an option of the command
    request: Annotated[Text, typer.Argument(metavar="[FILE]", help="A request, or - for the input.")] = None,
    *,
    file: Annotated[Text, typer.Option("--file", "-f", help="Likewise.", rich_help_panel=_WHAT)] = None,
    project: Annotated[Text, _option("The project: p-demo.", _WHAT)] = None,
    name: Annotated[Text, _option("The job's name; else one is made up.", _WHAT)] = None,
    model: Annotated[Text, _option("The model: bert-base.", _WHAT)] = None,
    dataset: Annotated[Text, _option("The data: s3://bucket/dataset, or a folder.", _WHAT)] = None,
    target: Annotated[Text, _option("What each trial runs: a script's path, or a module.", _WHAT)] = None,
    gpus: Annotated[Text, _option("GPUs of each trial.", _WHAT, "N")] = None,
    dialect: Annotated[Text, _option("Of the file: sagemaker, vertex, astraml; else told.", _WHAT)] = None,
    api_version: Annotated[Text, _option("Of an AstraML request without one.", _WHAT)] = None,
    batch_size: Annotated[Text, _option("Rows per step.", _VALUES, "N")] = None,
    epochs: Annotated[Text, _option("Passes over the data.", _VALUES, "N")] = None,
    lr: Annotated[Text, _option("The learning rate: 3e-5.", _VALUES, "X")] = None,
    patience: Annotated[
        Text, _option("Epochs without improvement before a trial ends itself.", _VALUES, "N")
    ] = None,
    lr_scheduler: Annotated[Text, _option("cosine, linear, constant …", _VALUES)] = None,
    grad_accum: Annotated[Text, _option("Batches per step of the optimizer.", _VALUES, "N")] = None,
    hp: Annotated[Texts, _option("Any other one; may be repeated.", _VALUES, "NAME=VALUE")] = None,
    tune: Annotated[
        Texts,
        _option("A range to search: lr=1e-5:1e-3:log; with :step=S too.", _SEARCH, "NAME=MIN:MAX"),
    ] = None,
    choice: Annotated[Texts, _option("Choices to search.", _SEARCH, "NAME=a,b,c")] = None,
    metric: Annotated[Text, _option("What is tuned: eval_loss.", _SEARCH)] = None,
    direction: Annotated[Text, _option("minimize or maximize.", _SEARCH)] = None,
    strategy: Annotated[Text, _option("bayesian, random, grid or hyperband.", _SEARCH)] = None,
    max_trials: Annotated[Text, _option("Configurations to try.", _SEARCH, "N")] = None,
    max_parallel: Annotated[Text, _option("How many at once.", _SEARCH, "N")] = None,
    max_runtime: Annotated[Text, _option("Of all of it: 2h30m.", _SEARCH, "TIME")] = None,
    seed: Annotated[Text, _option("Of the search.", _SEARCH, "N")] = None,
    pruning: Annotated[Text, _option("none, median or hyperband.", _SEARCH)] = None,
    cron: Annotated[Text, _option('Run it again and again: "0 2 * * *".', _WHEN)] = None,
    timezone: Annotated[Text, _option("Of the schedule: Europe/Berlin.", _WHEN)] = None,
    overlap: Annotated[Text, _option("forbid, allow or replace.", _WHEN)] = None,
    missed: Annotated[Text, _option("skip, run_once or run_all.", _WHEN)] = None,
    env: Annotated[Texts, _option("A variable; may be repeated.", _OTHER, "NAME=VALUE")] = None,
    env_secret: Annotated[Texts, _option("A variable that is a secret.", _OTHER, "NAME=SECRET")] = None,
    tag: Annotated[Texts, _option("A tag; may be repeated.", _OTHER, "NAME=VALUE")] = None,
    idempotency_key: Annotated[
        Text, _option("The same request with the same key is the same job or schedule, for a day.", _HOW)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would run.", rich_help_panel=_HOW)
    ] = False,
    detach: DETACH = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Run a request, and watch it until its job has ended; with --cron store it as a schedule.

    The request is a file in any dialect, or options of AstraML's; options win over an AstraML file. The job
    runs in a process of its own. On a terminal Ctrl-C asks whether it is to stop or to go on there; without
    one Ctrl-C stops it. Exit status: 0 it succeeded, 1 it failed or was stopped, 2 bad input, 130 Ctrl-C.
    """
    told = dict(locals())
    from astraml_lab.cli.service_line import LISTS, PLACES

    line = _line(
        _one(request, file),
        dialect,
        {each: told[each] for each in PLACES},
        {each: told[each] or [] for each in LISTS},
        api_version,
    )
    if line.problems or dry_run:
        _dry_run(line, dialect, api_version, target=target, as_json=as_json)
        return
    wish = {
        "request": line.request,
        "dialect": dialect,
        "target": target,
        "api_version": api_version,
        "idempotency_key": idempotency_key or _own_key(line, dialect),
    }
    try:
        if stored(
            line.request,
            dialect,
            target=target,
            api_version=api_version,
            idempotency_key=idempotency_key,
            as_json=as_json,
        ):
            return
        run_apart(wish, detach=detach, as_json=as_json)
    except answers.Refused as error:
        raise _in_flags(error, error.document.get("errors"), line) from None
    except RequestRefused as error:
        raise _in_flags(error, answers.refusal_facts(error).get("errors"), line) from None


def run_apart(wish: Mapping[str, Any], *, detach: bool, as_json: bool) -> None:
    """Run a job in a process of its own, and watch it to its end unless it is detached.

    Raises:
        Refused: It cannot be started.
        JobFailed: It FAILED, and this is shown to a person.
        JobCancelled: Likewise, it was stopped.
        typer.Exit: With the exit status.
    """
    from astraml_lab.cli.apart import start_apart

    apart = start_apart(wish, leashed=not detach and not interrupts.at_terminal())
    if detach:
        _detached(apart, as_json=as_json)
        return
    from astraml_lab import lab
    from astraml_lab.cli.watching import Watch

    if apart.said:
        typer.echo(apart.said, err=as_json)
    job = lab.job(apart.name, project=apart.project, generation=apart.generation)
    status = Watch(job, owned=True, quiet=as_json).run()
    if status != interrupts.STATUS:
        apart.farewell()
    if as_json:
        answers.print_json(answers.facts_with_best(job))
    raise typer.Exit(status)


def _detached(apart: Apart, *, as_json: bool) -> None:
    from astraml_lab import lab
    from astraml_lab.cli.watching import in_background

    job = lab.job(apart.name, project=apart.project, generation=apart.generation)
    if as_json:
        answers.print_json({**answers.job_facts(job.view()), "pid": apart.pid, "log": apart.log})
        return
    if apart.said:
        typer.echo(apart.said)
    if apart.pid is None:
        typer.echo(repr(job))
        return
    typer.echo(f"{in_background(job)}\nProcess {apart.pid} runs it; its own log is {apart.log}")


def _one(request: str | None, file: str | None) -> str | None:
    if request is not None and file is not None:
        problem = Problem("--file", file, "FILE says it too: keep one of them")
        raise InvalidSpec([problem], subject="the command")
    return file if request is None else request


def _line(
    file: str | None,
    dialect: str | None,
    options: Mapping[str, str | None],
    lists: Mapping[str, list[str]],
    api_version: str | None,
) -> Line:
    """Read the file and the options as one request."""
    from astraml_lab.cli.service_line import read_line
    from astraml_lab.dialects.plain import plain

    base = None if file is None else plain(request_of(file), dialect)
    line = read_line(base, options, lists, versioned=api_version is not None)
    if base is not None and line.flags and (service := _other_service(base, dialect)):
        said = f"belongs to an AstraML request; {file} is {service}'s"
        problems = [Problem(flag, "", said) for flag in dict.fromkeys(line.flags.values())]
        raise InvalidSpec([*line.problems, *problems], subject="the command")
    return line


def _other_service(request: Mapping[str, Any], dialect: str | None) -> str:
    """Name the service of a file that options of AstraML cannot change; empty for AstraML."""
    from astraml_lab.dialects.detect import detect, named
    from astraml_lab.dialects.report import SERVICES
    from astraml_lab.spec import Dialect

    try:
        found = detect(request) if dialect is None else named(dialect)
    except RequestRefused:
        return ""  # a fragment: its options may make an AstraML request of it
    return "" if found is Dialect.ASTRAML else SERVICES[found]


def _own_key(line: Line, dialect: str | None) -> str | None:
    """Make the key of this invocation, so that its own retries are safe.

    Only for AstraML, whose keys they are: SageMaker's names are unique, and a second job of a Vertex request
    is seen by its name.
    """
    return None if _other_service(line.request, dialect) else f"cli-{uuid.uuid4().hex}"


def _dry_run(
    line: Line, dialect: str | None, api_version: str | None, *, target: str | None, as_json: bool
) -> None:
    """Show what would run; refuse for all mistakes, those of the options and those of the request."""
    from astraml_lab import lab
    from astraml_lab.cli.effective import effective_lines

    try:
        translation = lab.read(line.request, dialect, target=target, api_version=api_version)
    except RequestRefused as error:
        raise _in_flags(error, answers.refusal_facts(error).get("errors"), line) from None
    if line.problems:
        raise InvalidSpec(line.problems, subject="the command")
    if as_json:
        answers.print_json(translation.as_dict())
        return
    typer.echo("\n".join([str(translation), *effective_lines(translation.as_dict())]))


def _in_flags(error: RequestRefused | answers.Refused, errors: Any, line: Line) -> Exception:
    """Say a refusal by the options that are to blame, with what else is wrong with the options."""
    if not errors and not line.problems:
        return error
    document = answers.refusal_facts(error)
    found = [
        {**each, "flag": flag} if (flag := line.flag_of(each["pointer"])) != each["pointer"] else each
        for each in errors or ()
        if not line.follows(each["pointer"])
    ]
    lines = [str(problem) for problem in line.problems]
    lines += [f"{each.get('flag') or each['pointer'] or 'the request'}: {each['message']}" for each in found]
    lines += [] if errors else [str(error)]
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    said = "".join(f"\n  - {each}" for each in lines)
    message = f"{count} in the {'command' if line.flags else 'request'}, nothing was started:{said}"
    problems = [vars(problem) for problem in line.problems]
    return answers.Refused(message, {**document, "message": message, "errors": found, "problems": problems})
