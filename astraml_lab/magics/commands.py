"""The commands of `%tune`: each finds its job, asks it one thing, and returns the answer as text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.magics import control, importing, schedules
from astraml_lab.magics.call import Call, whole
from astraml_lab.magics.examples import EXAMPLES, examples_text
from astraml_lab.magics.exporting import export
from astraml_lab.magics.form import tune_form
from astraml_lab.magics.help import line_help
from astraml_lab.magics.listing import trial_line
from astraml_lab.magics.secret import policy, secret
from astraml_lab.spec import format_number, nearest, shown
from astraml_lab.ui.jobs_text import job_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.magics.call import Lab, Notebook


@dataclass(frozen=True)
class Command:
    """A command of `%tune`.

    Attributes:
        usage: Its words as the help shows them: `JOB` is needed, `[JOB]` may be left out.
    """

    name: str
    usage: str
    help: str
    run: Callable[[Call], object]
    takes_job: bool = True
    options: tuple[str, ...] = ("project",)
    flags: tuple[str, ...] = ()
    takes_values: bool = False
    """Whether words like `lr=0.01` follow, at least one."""
    repeats: bool = False
    """Whether its last word may come several times."""

    @property
    def places(self) -> tuple[str, ...]:
        """What its words stand for, in their order: `JOB`, `TRIAL`."""
        return tuple(re.findall(r"(?<= )\[?([A-Z]+)", self.usage))

    @property
    def needed(self) -> int:
        """How many of them must be there."""
        return len(re.findall(r" [A-Z]", self.usage))


def _list(call: Call) -> object:
    from astraml_lab.jobs import attended, in_kernel  # brings SQLAlchemy and Optuna: not while loading

    jobs, notices = call.lab.jobs(call.project), call.lab.notices()
    if not (in_kernel() and attended()):
        return "\n\n".join([job_table(jobs), *notices])
    for notice in notices:
        print(notice)  # noqa: T201 - what there is to say beside the table
    return jobs


def _show(call: Call) -> None:
    call.job().show(live="live" in call.options)


def _best(call: Call) -> str | None:
    job = call.job()
    if "insert" in call.options:
        call.notebook.set_next_input(job.best_as_cell(), replace=False)
        return None
    view = job.view()
    best = job.pareto if len(view.objectives) > 1 else [job.best]
    if not best:
        raise NotFound(view.without_best)
    lines = [trial_line(handle.view(), view.objectives) for handle in best]
    if view.confirmed is not None:
        lines.append(f"confirmed: {format_number(view.confirmed.mean)}, {view.confirmed}")
    return "\n".join(lines)


def _logs(call: Call) -> str:
    job = call.job()
    number = call.trial(job)
    lines = whole("--lines", call.options.get("lines", "100"), "must be a whole number")
    if number is None:
        started = (view.number for view in job.reader.trials()[1] if view.started_at is not None)
        number = max(started, default=None)
    if number is None:
        raise NotFound(f"{job.name} has no trial that has started yet.")
    return "\n".join([f"{job.name}, trial {number}:", *job.reader.log_tail(number, lines)])


def _examples(call: Call) -> str | None:
    if not call.words:
        return examples_text()
    sources = {example.name: example.source for example in EXAMPLES}
    name = call.words[0]
    if name not in sources:
        raise NotFound(f"No such example: {name}; there are {', '.join(sources)}.")
    call.notebook.set_next_input(sources[name], replace=False)
    return None


def _help(_call: Call) -> str:
    return help_text()


def _form(call: Call) -> object:
    return tune_form(call.job().spec if call.words else None)


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("list", "list", "All jobs, newest first.", _list, takes_job=False),
        Command(
            "show",
            "show [JOB] [--live]",
            "Bring the dashboard back, the newest job's without a name; --live also that of an ended job.",
            _show,
            flags=("live",),
        ),
        Command(
            "stop",
            "stop [JOB] [TRIAL]",
            "End a job, or one of its trials; what finished is kept.",
            control.stop,
        ),
        Command(
            "wait",
            "wait [JOB] [--timeout 10m]",
            "Wait for the end.",
            control.wait,
            options=("project", "timeout"),
        ),
        Command(
            "best",
            "best [JOB] [--insert]",
            "The best trial, or the front; --insert writes its values into a new cell.",
            _best,
            flags=("insert",),
        ),
        Command(
            "logs",
            "logs [JOB] [TRIAL] [--lines 100]",
            "What a trial printed; the latest without a number.",
            _logs,
            options=("project", "lines"),
        ),
        Command(
            "pause", "pause [JOB]", "Start no new trial until `resume`; running ones go on.", control.pause
        ),
        Command(
            "resume",
            "resume [JOB] [--trials 60] [--confirm 3]",
            "Go on after `pause`, after a restart of the kernel, with more trials, or to confirm the best.",
            control.resume,
            options=("project", "trials", "confirm"),
        ),
        Command(
            "enqueue",
            "enqueue JOB lr=0.01 …",
            "Try these values next; those that are left out are sampled.",
            control.enqueue,
            takes_values=True,
        ),
        Command("rerun", "rerun JOB TRIAL", "Try a trial's parameters once more, next.", control.rerun),
        Command(
            "debug",
            "debug JOB TRIAL [--here]",
            "All about a trial, and a new cell that runs it in the foreground, to step through; "
            "of a trial that crashed with `--here` only.",
            control.debug,
            flags=("here",),
        ),
        Command(
            "narrow",
            "narrow JOB [TRIAL]",
            "A new cell that searches around trials, `7 12 31`, or around the selected ones.",
            control.narrow,
            repeats=True,
        ),
        Command("delete", "delete JOB", "Remove a job with all its generations and files.", control.delete),
        Command(
            "export",
            "export [JOB] [FORM] [FILE]",
            "A job as a cell, as a table (csv), as a study (optuna), or as a request of sagemaker, vertex or "
            "astraml; printed, or written to a new file.",
            export,
        ),
        Command(
            "import",
            "import SOURCE [--maximize accuracy] [--minimize loss] [--params lr,width] [--name sweep]",
            "Make a job of a table file, a DataFrame or an Optuna study; nothing runs.",
            importing.run_import,
            takes_job=False,
            options=importing.OPTIONS,
        ),
        Command(
            "secret",
            "secret [VERB] [NAME] [--project p-demo]",
            "`set NAME` asks for a secret and shows nothing, `list` lists names, `remove NAME` forgets one.",
            secret,
            takes_job=False,
        ),
        Command(
            "policy",
            "policy [VERB] [--project p-demo]",
            "The policy that a project's AstraML requests are held against.",
            policy,
            takes_job=False,
        ),
        Command(
            "schedule",
            "schedule [VERB] [NAME]",
            "Requests that run again and again: list; show, run, pause, resume or remove one by its name.",
            schedules.schedule,
            takes_job=False,
        ),
        Command("form", "form [JOB]", "Open a job as a form; without a name a new one.", _form),
        Command(
            "examples",
            "examples [NAME]",
            "Complete cells to start from; with a name, into a new cell.",
            _examples,
            takes_job=False,
        ),
        Command("help", "help", "This text.", _help, takes_job=False),
    )
}


def help_text() -> str:
    """Return the help of `%tune`."""
    return line_help((f"%tune {command.usage}", command.help) for command in COMMANDS.values())


def run_line(line: str, lab: Lab, notebook: Notebook) -> object:
    """Run a `%tune` line.

    Raises:
        InvalidSpec: With every mistake in the line.
        AstramlError: Whatever the command itself refuses.
    """
    try:
        words = shlex.split(line) or ["list"]
    except ValueError as error:
        raise InvalidSpec([Problem("the line", "", str(error).lower())], subject="the line") from None
    command = COMMANDS.get(words[0])
    if command is None:
        hint = nearest(words[0], COMMANDS) or "%tune help lists all commands"
        raise InvalidSpec([Problem(words[0], "", "no such command", hint)], subject="the line")
    plain, options = _split(command, words[1:])
    return command.run(Call(lab, notebook, tuple(plain), options))


def _split(command: Command, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Tell a command's options from its words.

    Raises:
        InvalidSpec: With every mistake: options it has not, words missing or too many.
    """
    plain: list[str] = []
    options: dict[str, str] = {}
    problems: list[Problem] = []
    waiting = list(words)
    while waiting:
        flag, equals, value = waiting.pop(0).partition("=")
        name = flag.removeprefix("--")
        if not flag.startswith("-"):
            plain.append(flag + equals + value)
        elif name in command.flags and equals:
            problems.append(Problem(flag, shown(value), "takes no value", f"%tune {command.usage}"))
        elif name in command.flags:
            options[name] = ""
        elif name not in command.options:
            known = [f"--{each}" for each in (*command.options, *command.flags)]
            problems.append(
                Problem(flag, "", "no such option", nearest(flag, known) or f"%tune {command.usage}")
            )
        elif equals or waiting:
            options[name] = value if equals else waiting.pop(0)
        else:
            problems.append(Problem(flag, "", "needs a value", f"%tune {command.usage}"))
    problems += _misfit(command, plain)
    if problems:
        raise InvalidSpec(problems, subject="the line")
    return plain, options


def _misfit(command: Command, words: Sequence[str]) -> list[Problem]:
    """Say which words are missing or too many, if any."""
    usage = f"usage: %tune {command.usage}"
    if len(words) < command.needed:
        missing = " and ".join(command.places[len(words) : command.needed])
        return [Problem(missing, "", "missing", usage)]
    surplus = [] if command.repeats else words[len(command.places) :]
    if command.takes_values:
        odd = [word for word in surplus if not word.partition("=")[0].isidentifier() or "=" not in word]
        problems = [Problem(word, "", "must be NAME=VALUE", usage) for word in odd]
        return problems if surplus else [Problem("NAME=VALUE", "", "missing", usage)]
    if not surplus:
        return []
    many = "one word too many" if len(surplus) == 1 else "too many words"
    quoted = "; quote a name that has spaces" if command.takes_job else ""
    return [Problem(" ".join(surplus), "", many, usage + quoted)]
