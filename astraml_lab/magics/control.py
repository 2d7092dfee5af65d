"""The commands of `%tune` that have a job do something, in whichever kernel it runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.magics.call import whole
from astraml_lab.spec import JobState, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from astraml_lab.magics.call import Call

_HELD = frozenset({JobState.PAUSED, JobState.STALE})


def stop(call: Call) -> str:
    """End a job, or one of its trials."""
    job = call.fitting_job()
    trial = call.trial(job)
    state, kernel = job.state, job.elsewhere
    if trial is not None:
        job.stop_trial(trial)
        return _passed_on(kernel, f"{job.name}: trial {trial} ends at its next report.")
    if state.ended:
        return f"{job.name} had ended already: {job!r}"
    job.stop()
    again = call.line("resume", job)
    if state is JobState.STALE:
        return f"{job.name} is CANCELLED: its kernel was gone. What finished is kept; {again} takes it up."
    said = f"{job.name} stops: running trials end at their next report, no other starts."
    return _passed_on(kernel, f"{said} What finished is kept; {again} takes it up.")


def pause(call: Call) -> str:
    """Have a job start no new trial."""
    job = call.fitting_job()
    kernel = job.elsewhere
    job.pause()
    again = call.line("resume", job)
    return _passed_on(kernel, f"{job.name} starts no new trial, running ones go on; {again} ends the pause.")


def resume(call: Call) -> object:
    """Have a job go on: after a pause, or in this kernel."""
    job = call.fitting_job(_HELD, "paused or without its kernel")
    trials, confirm = _count(call, "trials"), _count(call, "confirm")
    kernel, state, alive = job.elsewhere, job.state, job.alive
    resumed = call.lab.resume(job.name, project=job.project, trials=trials, confirm=confirm)
    if not alive:
        return resumed
    to = "" if trials is None else f" to {trials} trials"
    to += "" if confirm is None else f" and confirms {_the_best(confirm)} then"
    if to or state is JobState.PAUSED:
        return _passed_on(kernel, f"{job.name} goes on{to}.")
    where = f"in kernel {kernel}" if kernel else "in this kernel"
    return f"{job.name} is {state} {where}, there is nothing to resume; {call.line('show', job)} shows it."


def enqueue(call: Call) -> str:
    """Have values tried next."""
    job = call.job()
    choices = {
        name: getattr(dimension, "choices", ()) for name, dimension in job.spec.space.dimensions.items()
    }
    given = dict(word.split("=", 1) for word in call.words[1:])
    params = {name: _value(text, choices.get(name, ())) for name, text in given.items()}
    kernel, alive, budget = job.elsewhere, job.alive, job.view().trials
    number = job.enqueue(params)
    values = ", ".join(f"{name}={value}" for name, value in given.items())
    if number is None:
        said = f"{job.name}: a new trial tries {values} next; the budget grows if nothing is left of it."
        return _passed_on(kernel, said)
    grown = job.view().trials
    said = f"{job.name}: trial {number} tries {values} next"
    said += "." if grown <= budget else f"; the budget grew to {grown} trials, as nothing was left of it."
    return said if alive else f"{said} {job.name} had ended and goes on for this."


def rerun(call: Call) -> str:
    """Have a trial's parameters tried once more."""
    job = call.job()
    trial, kernel = call.trial(job), job.elsewhere
    number = job.rerun(trial)
    new = "a new trial" if number is None else f"trial {number}"
    said = f"{job.name}: {new} tries the parameters of trial {trial} next, with a seed of its own."
    return _passed_on(kernel, said)


def debug(call: Call) -> str:
    """Say all about a trial, and write the cell that runs it in the foreground."""
    from astraml_lab.jobs import attended, risk  # brings SQLAlchemy and Optuna: not while the extension loads

    job = call.job()
    trial = call.trial(job)
    account: str = job.debug(trial)
    feared = risk(job.reader.trial(trial))
    if feared and "here" not in call.options:
        again = call.line("debug", job, f"{trial} --here")
        return f"{account}\n\n{feared} {again} writes the cell all the same."
    try:
        source = job.trial_as_cell(trial)
    except NotFound as error:
        return f"{account}\n\n{error}"
    if not attended():
        return f"{account}\n\nThis cell runs that configuration in the foreground:\n\n{source}"
    call.notebook.set_next_input(source, replace=False)
    return f"{account}\n\nThe new cell below runs that configuration in the foreground."


def narrow(call: Call) -> str:
    """Write the cell that searches around some trials."""
    from astraml_lab.jobs import attended  # brings SQLAlchemy and Optuna: not while the extension loads

    job = call.job()
    numbers = [whole("TRIAL", word, "must be a trial's number") for word in call.words[1:]]
    source: str = job.narrowed(*numbers)
    if not attended():
        return source
    call.notebook.set_next_input(source, replace=False)
    return "The new cell below searches around these trials; change it as you like, and run it."


def wait(call: Call) -> str:
    """Wait for the end of a job."""
    from astraml_lab.jobs import attended  # brings SQLAlchemy and Optuna: not while the extension loads

    timeout = call.options.get("timeout")
    job = call.fitting_job()
    job.wait(None if timeout is None else _seconds(timeout))
    if not attended():
        job.raise_if_bad()
    return repr(job)


def delete(call: Call) -> str:
    """Remove a job with its files."""
    job = call.job()
    generations, finished = job.delete()
    whole = f"all its {generations} generations, " if generations > 1 else ""
    trials = "1 finished trial" if finished == 1 else f"{finished or 'no'} finished trials"
    return f"{job.name} is deleted, with {whole}{trials} and its files."


def _count(call: Call, option: str) -> int | None:
    given = call.options.get(option)
    return None if given is None else whole(f"--{option}", given, "must be a whole number")


def _the_best(count: int) -> str:
    return {0: "none", 1: "the best trial"}.get(count, f"the best {count}")


def _passed_on(kernel: str, said: str) -> str:
    """Say what happens; where another kernel has to do it, that it was asked."""
    return f"Asked kernel {kernel}, which looks once a second. {said}" if kernel else said


def _value(text: str, choices: Collection[object]) -> object:
    """Read a value as it would be written in Python; a choice needs no quotes."""
    if text in choices:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _seconds(text: str) -> float:
    try:
        return float(str(parse_duration(text)))
    except ValueError as error:
        raise InvalidSpec([Problem("--timeout", shown(text), str(error))], subject="the line") from None
