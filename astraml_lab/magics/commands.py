"""The commands of `%tune`: each finds its job, asks it one thing, and returns the answer as text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from astraml_lab.errors import Conflict, InvalidSpec, NotBuiltYet, NotFound, Problem, one_of
from astraml_lab.magics.examples import EXAMPLES, examples_text
from astraml_lab.magics.form import tune_form
from astraml_lab.magics.help import line_help
from astraml_lab.magics.listing import job_table, trial_line
from astraml_lab.spec import JobState, nearest, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.objectives import Code
    from astraml_lab.spec import JobSpec, JobView

FORMS = ("cell", "optuna")
"""What `%tune export` makes of a job."""

_LIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.PAUSED})
_LONGEST_NUMBER = 9


class Lab(Protocol):
    """What the magics need of `astraml_lab.lab`."""

    def launch(self, spec: JobSpec, code: Code) -> Any:
        """Start a job."""

    def preflight(self, spec: JobSpec, code: Code) -> Any:
        """Try a job's first step; what it found prints well."""

    def submit(self, request: Any) -> Any:
        """Start a job from a request in any dialect."""

    def job(self, name: str | None = None, *, project: str = "default") -> Any:
        """Return a job, the newest without a name."""

    def jobs(self, project: str | None = None, state: JobState | None = None) -> list[JobView]:
        """Return the jobs, newest first."""


class Notebook(Protocol):
    """What the magics need of IPython's shell."""

    def set_next_input(self, s: str, *, replace: bool = False) -> object:
        """Put text into a new cell."""


@dataclass(frozen=True)
class Call:
    """A command line, taken apart: `%tune logs digits 7 --lines 50`."""

    lab: Lab
    notebook: Notebook
    words: tuple[str, ...]
    options: dict[str, str]

    @property
    def project(self) -> str | None:
        """The project named by `--project`."""
        return self.options.get("project")

    def job(self) -> Any:
        """Return the job that the first word names, or the newest."""
        name = self.words[0] if self.words else None
        return self.lab.job(name, project=self.project or "default")

    def live_job(self) -> Any:
        """Return the job that the first word names, or the only one that runs.

        Raises:
            NotFound: No job runs.
            Conflict: Several do.
        """
        if self.words:
            return self.job()
        live = [view for view in self.lab.jobs(self.project) if view.state in _LIVE]
        if not live:
            raise NotFound("No job is running; `%tune` lists all jobs.")
        if len(live) > 1:
            raise Conflict(f"Several jobs are running; name one: {', '.join(view.name for view in live)}.")
        return self.lab.job(live[0].name, project=live[0].project)

    def trial(self, job: Any) -> int | None:
        """Return the trial of `job` that the second word names, if there is one.

        Raises:
            InvalidSpec: It is no number.
            NotFound: The job has no such trial.
        """
        if len(self.words) < 2:  # noqa: PLR2004 - JOB TRIAL
            return None
        number = _whole("TRIAL", self.words[1], "must be a trial's number")
        if job.reader.trial(number) is None:
            last = max((view.number for view in job.reader.trials()[1]), default=None)
            there = "it has none yet" if last is None else f"its trials are 0 to {last}"
            raise NotFound(f"{job.name} has no trial {number}; {there}.")
        return number


def _whole(path: str, text: str, allowed: str) -> int:
    """Read a whole number.

    Raises:
        InvalidSpec: It is none, or absurdly long.
    """
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InvalidSpec([Problem(path, shown(text), allowed)], subject="the line")
    return int(text)


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

    @property
    def places(self) -> tuple[str, ...]:
        """What its words stand for, in their order: `JOB`, `TRIAL`."""
        return tuple(re.findall(r"(?<= )\[?([A-Z]+)", self.usage))

    @property
    def needed(self) -> int:
        """How many of them must be there."""
        return len(re.findall(r" [A-Z]", self.usage))


def _list(call: Call) -> str:
    return job_table(call.lab.jobs(call.project))


def _show(call: Call) -> None:
    call.job().show()


def _stop(call: Call) -> str:
    job = call.live_job()
    trial = call.trial(job)
    if trial is None:
        job.stop()
        return f"{job.name}: running trials end at their next report, no other starts."
    job.stop_trial(trial)
    return f"{job.name}: trial {trial} ends at its next report."


def _wait(call: Call) -> str:
    from astraml_lab.jobs import attended  # brings SQLAlchemy and Optuna: not while the extension loads

    timeout = call.options.get("timeout")
    job = call.live_job()
    job.wait(None if timeout is None else _seconds(timeout))
    if not attended():
        job.raise_if_bad()
    return repr(job)


def _seconds(text: str) -> float:
    try:
        return float(str(parse_duration(text)))
    except ValueError as error:
        raise InvalidSpec([Problem("--timeout", shown(text), str(error))], subject="the line") from None


def _best(call: Call) -> str | None:
    job = call.job()
    if "insert" in call.options:
        call.notebook.set_next_input(job.best_as_cell(), replace=False)
        return None
    view = job.view()
    best = job.pareto if len(view.objectives) > 1 else [job.best]
    if not best:
        raise NotFound(f"{job.name} has no COMPLETE trial yet ({view.state}).")
    return "\n".join(trial_line(handle.view(), view.objectives) for handle in best)


def _logs(call: Call) -> str:
    job = call.job()
    number = call.trial(job)
    lines = _whole("--lines", call.options.get("lines", "100"), "must be a whole number")
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


def _delete(call: Call) -> str:
    call.job().delete()
    return f"{call.words[0]} is deleted."


def _method(name: str) -> Callable[[Call], str]:
    """Return a command that calls the job's own method of this name, where it has one."""

    def run(call: Call) -> str:
        job = call.live_job()
        method = getattr(job, name, None)
        if method is None:
            raise NotBuiltYet(f"`%tune {name}` is not built in this version.")
        trial = call.trial(job)
        answer = method() if trial is None else method(trial)
        return answer if isinstance(answer, str) else repr(job)

    return run


def _export(call: Call) -> object:
    form = call.words[1] if len(call.words) > 1 else FORMS[0]
    if form not in FORMS:
        problem = Problem("FORM", shown(form), one_of(FORMS), nearest(form, FORMS))
        raise InvalidSpec([problem], subject="the line")
    return call.job().export(form)


def _import(call: Call) -> object:
    return call.lab.submit(call.words[0])


def _form(_call: Call) -> object:
    return tune_form()


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("list", "list", "All jobs, newest first.", _list, takes_job=False),
        Command("show", "show [JOB]", "Bring the dashboard back; the newest job without a name.", _show),
        Command(
            "stop", "stop [JOB] [TRIAL]", "End a job, or one of its trials; what finished is kept.", _stop
        ),
        Command(
            "wait", "wait [JOB] [--timeout 10m]", "Wait for the end.", _wait, options=("project", "timeout")
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
        Command("pause", "pause [JOB]", "Start no new trial until `resume`.", _method("pause")),
        Command("resume", "resume [JOB]", "Go on after `pause`.", _method("resume")),
        Command("rerun", "rerun JOB TRIAL", "Run a trial's parameters again.", _method("rerun")),
        Command("debug", "debug JOB TRIAL", "Run a failed trial under the debugger.", _method("debug")),
        Command("delete", "delete JOB", "Remove a job with its files.", _delete),
        Command(
            "export",
            "export [JOB] [FORM]",
            "Print a job as a cell; with `optuna`, hand it back as a study.",
            _export,
        ),
        Command("import", "import PATH", "Submit a request of another service.", _import, takes_job=False),
        Command("form", "form", "Open a job as a form.", _form, takes_job=False),
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
    surplus = words[len(command.places) :]
    if not surplus:
        return []
    many = "one word too many" if len(surplus) == 1 else "too many words"
    quoted = "; quote a name that has spaces" if command.takes_job else ""
    return [Problem(" ".join(surplus), "", many, usage + quoted)]
