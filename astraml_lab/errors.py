"""Every exception of the library, named after what the caller does next.

AstramlError                  the root; shown without a traceback in a notebook
├── InvalidSpec               mend the request: all mistakes at once, each a `Problem`
├── RequestRefused            mend an imported request: `code`, `status` and `as_dict()` are its service's own
├── NotBuiltYet               valid, but a later version runs it: leave the option out
├── NotFound                  no such job or trial: pick one of those that the message names
├── Conflict                  right request, wrong moment: stop, wait, rename or `--replace`
├── MissingExtra              install the extra that the message names
├── NotInTrial                `report` or `current_trial` was called outside a trial
├── SearchFailed              the sampler cannot go on: take another `--strategy`
├── JobFailed                 a headless job ended FAILED: look at its trials
├── JobCancelled              a headless job was stopped by somebody
└── StoreError                the store on disk
    ├── LeaseLost             another kernel owns the job now: watch it from here
    └── StoreUnavailable      disk full, file locked or unreadable: mend it, then resume

TrialEnd                      control flow inside a trial; a BaseException, so that `except Exception` in user
├── TrialPruned               code cannot swallow it
├── TrialStopped
└── TrialInfeasible
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class AstramlError(Exception):
    """Something that the user can mend; its message says how."""

    def _render_traceback_(self, *_ignored: object) -> list[str]:
        """Show the message alone in IPython: the frames are ours and help nobody."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Problem:
    """One mistake in a request.

    Attributes:
        path: Where it is, as the user wrote it: `--trials`, `lr`, `definitions[0].space.lr.low`.
        given: The offending value as text, or empty where there is none.
        allowed: What would be right.
        hint: What to try: the nearest valid name, a line number, a command.
    """

    path: str
    given: str = ""
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        got = f" is {self.given}" if self.given else ""
        allowed = f"; {self.allowed}" if self.allowed else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}{got}{allowed}{hint}"


class InvalidSpec(AstramlError):
    """The request is wrong; `problems` holds every mistake found."""

    def __init__(self, problems: Iterable[Problem], *, subject: str = "the job") -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = "1 mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{count} in {subject}, nothing was started:\n{lines}")


class RequestRefused(AstramlError):
    """A request in a service's format is refused, in that service's words; each dialect has its own class.

    Attributes:
        code: The service's name of the mistake: `ValidationException`, `INVALID_ARGUMENT`, `invalid-range`.
        status: The HTTP status that the service answers with.
    """

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as data, in the shape that its dialect documents."""
        return {"outcome": "invalid", "code": self.code, "status": self.status}


class NotBuiltYet(AstramlError):
    """The request is valid, but this version cannot run it."""


class NotFound(AstramlError):
    """No such thing; the message names those that exist."""


class Conflict(AstramlError):
    """The request does not fit the state that the job is in."""


class MissingExtra(AstramlError):
    """An optional library is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f'`{module}` is not installed; run: pip install "astraml-lab[{extra}]"')


class NotInTrial(AstramlError):
    """`report()` and friends were called where no trial runs."""


class SearchFailed(AstramlError):
    """The search library cannot propose or learn any more; the message holds its words."""


class JobFailed(AstramlError):
    """A job that somebody waited for ended FAILED."""


class JobCancelled(AstramlError):
    """A job that somebody waited for was stopped."""


class StoreError(AstramlError):
    """The store on disk cannot do what was asked."""


class LeaseLost(StoreError):
    """Another kernel took the job over; this one may write no more."""


class StoreUnavailable(StoreError):
    """The store cannot be read or written at present."""


class TrialEnd(BaseException):
    """Ends the trial whose thread raises it; `reason` is one plain sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TrialPruned(TrialEnd):
    """The pruner gave the trial up."""


class TrialStopped(TrialEnd):
    """Somebody or some limit ended the trial; what it reported counts."""


class TrialInfeasible(TrialEnd):
    """The trial's own code declared its parameters impossible."""


def one_of(names: Sequence[str]) -> str:
    """Spell a choice for a message: `one of a, b, c`."""
    return "one of " + ", ".join(names) if names else "nothing"
