"""What Tab offers on a `%%tune` or `%tune` line: options, their words, commands, jobs, metrics."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from astraml_lab.magics.commands import COMMANDS
from astraml_lab.magics.examples import EXAMPLES
from astraml_lab.magics.exporting import FORMS
from astraml_lab.objectives import metric_names
from astraml_lab.spec.options import OPTIONS, OptionKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astraml_lab.magics.call import Lab

_LINE = re.compile(r"\s*(%%?)tune\s+(.*)")
_NAMES_JOBS = frozenset({"name", "warm_start"})


def complete(before: str, body: str, lab: Callable[[], Lab]) -> tuple[str, list[str]] | None:
    """Return the unfinished word and what may stand in its place; `None` where the line is not ours.

    Args:
        before: The line up to the cursor.
        body: The cell below it.
        lab: Returns the lab; called only where job names are wanted.
    """
    found = _LINE.match(before)
    if found is None:
        return None
    words, last = _words(found[2])
    if found[1] == "%%":
        offers, typed = _cell_offers(words, last, body, lab)
    else:
        offers, typed = _line_offers(words, last, lab), last
    return typed, [offer for offer in offers if offer.startswith(typed)]


def _words(text: str) -> tuple[list[str], str]:
    """Return the finished words and the unfinished one; a quoted name is one word."""
    *words, last = re.split(r"\s+", text)
    try:
        return shlex.split(" ".join(words)), last
    except ValueError:  # an open quote
        return words, last


def _cell_offers(words: list[str], last: str, body: str, lab: Callable[[], Lab]) -> tuple[Iterable[str], str]:
    flag, equals, value = last.partition("=")
    option = OPTIONS.get(flag if equals else words[-1] if words else "")
    if option is None or not option.takes_value:
        toggles = [f"--no-{each.flag[2:]}" for each in OPTIONS.values() if each.kind is OptionKind.TOGGLE]
        return [*OPTIONS, *toggles], last
    typed = value if equals else last
    if option.kind is OptionKind.LIST:
        typed = typed.rpartition(",")[2]
    if option.kind is OptionKind.CONDITION:
        typed = typed.lstrip("'\"")
    if option.kind in {OptionKind.GOAL, OptionKind.CONDITION}:
        return metric_names(body), typed
    if option.name in _NAMES_JOBS:
        return _job_names(lab), typed
    return option.choices, typed


def _line_offers(words: list[str], last: str, lab: Callable[[], Lab]) -> Iterable[str]:
    if not words:
        return COMMANDS
    command = COMMANDS.get(words[0])
    if command is None:
        return ()
    options = [f"--{each}" for each in command.options]
    if last.startswith("-"):
        return [*options, *(f"--{each}" for each in command.flags)]
    if words[-1] in options:
        return {view.project for view in lab().jobs()} if words[-1] == "--project" else ()
    plain = [word for before, word in pairwise(words) if before not in options and not word.startswith("-")]
    place = command.places[len(plain)] if len(plain) < len(command.places) else ""
    if place == "TRIAL":
        return _trial_numbers(lab().job(plain[0], project=_project(words)))
    offers = {"NAME": [example.name for example in EXAMPLES], "FORM": FORMS}
    return _job_names(lab) if place == "JOB" else offers.get(place, ())


def _project(words: list[str]) -> str:
    given = re.search(r" --project[ =](\S+)", " ".join(words))
    return given[1] if given else "default"


def _trial_numbers(job: Any) -> list[str]:
    return [str(view.number) for view in job.reader.trials()[1]]


def _job_names(lab: Callable[[], Lab]) -> list[str]:
    return [view.name if " " not in view.name else f"'{view.name}'" for view in lab().jobs()]


def matcher(lab: Callable[[], Lab]) -> Any:
    """Return the matcher that IPython's completer calls."""
    from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

    @context_matcher(identifier="astraml_tune")  # type: ignore[untyped-decorator]  # IPython's own
    def tune_matcher(context: CompletionContext) -> dict[str, Any]:
        """Complete a `%%tune` or `%tune` line."""
        first, _, body = context.full_text.partition("\n")
        line = context.line_with_cursor
        before = context.text_until_cursor
        if line != first and not line.lstrip().startswith("%tune"):
            return {"completions": []}
        try:
            found = complete(before, body, lab)
        except Exception:  # noqa: BLE001 - Tab must never print a traceback into the notebook
            found = None
        if found is None:
            return {"completions": []}
        typed, offers = found
        completions = [SimpleCompletion(offer, type="option") for offer in offers]
        return {"completions": completions, "matched_fragment": typed, "suppress": bool(offers)}

    return tune_matcher
