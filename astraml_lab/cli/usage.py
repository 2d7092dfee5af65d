"""A line that typer cannot read, said as one sentence: what is wrong, and the nearest right spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from astraml_lab.errors import AstramlError

if TYPE_CHECKING:
    from collections.abc import Mapping

USAGE_ERROR: Any = typer.BadParameter.__base__
"""What typer raises for a line that it cannot read; it hands out no other name for it."""
_ELSEWHERE: Mapping[str, str] = {
    "--float": "--tune NAME=MIN:MAX",
    "--int": "--tune NAME=MIN:MAX:int",
    "--categorical": "--choice NAME=a,b,c",
    "--space": "--tune NAME=MIN:MAX or --choice NAME=a,b,c",
    "--maximize": "--metric NAME --direction maximize",
    "--maximise": "--metric NAME --direction maximize",
    "--minimize": "--metric NAME --direction minimize",
    "--minimise": "--metric NAME --direction minimize",
    "--trials": "--max-trials N",
    "--parallel": "--max-parallel N",
    "--prune": "--pruning median",
    "--learning-rate": "--lr X",
    "--param": "--hp NAME=VALUE",
    "--subject-to": "%%tune or lab.tune(…, subject_to=…): a request has no constraints",
    "--new": "another --name, or `astraml delete NAME` before",
}
"""How `submit` spells what the other faces, or other tuners, call so."""


class WrongLine(AstramlError):
    """The words after `astraml` are no command with its options."""


def wrong_line(error: Any) -> WrongLine:
    """Say typer's finding in a sentence.

    Args:
        error: A `USAGE_ERROR`.
    """
    command = _command(error.ctx)
    flag = getattr(error, "option_name", "") if hasattr(error, "possibilities") else ""
    if not flag:
        message, _, suggested = error.format_message().rstrip(".").partition(". Did you mean ")
        hint = f" (did you mean {suggested})" if suggested else ""
        return WrongLine(f"{message[:1].lower()}{message[1:]}{hint}; `{command} --help` says what it takes")
    hint = _nearest(flag, error.ctx)
    return WrongLine(f"no such option: {flag}{hint}; `{command} --help` lists them")


def _nearest(flag: str, context: Any) -> str:
    """Suggest what to write in place of an option that there is not."""
    from astraml_lab.spec import closest

    known = [option for each in context.command.params for option in (*each.opts, *each.secondary_opts)]
    if context.command.name == "submit":
        near = closest(flag, [*known, *_ELSEWHERE])
        return f" (did you mean `{_ELSEWHERE.get(near, near)}`?)" if near else ""
    near = closest(flag, known)
    return f' (did you mean "{near}"?)' if near else ""


def _command(context: Any) -> str:
    """Return how the command is typed, however Python was started."""
    if context is None:
        return "astraml"
    return f"astraml{context.command_path.removeprefix(context.find_root().info_name or '')}"
