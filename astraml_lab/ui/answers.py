"""What a page asks for with a button, and what it hears."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """A button that was pressed."""

    name: str
    token: str
    """The page's own name for this press: the answer carries it."""
    number: int | None = None
    """The trial, for what is asked of one."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """What else was entered. It comes from a browser and is believed in nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page hears: each part may be empty."""

    error: str = ""
    said: str = ""
    """A sentence to show."""
    cell: str = ""
    """The source of a cell to put below the one that shows the view."""
    file: str = ""
    """The name of a file to download."""
    text: str = ""
    """What the file holds."""
    path: str = ""
    """Where the file lies: a page whose server has it opens it instead."""
    home: str = ""
    """The person's own folder there: pages know their server's root as `~/work`."""

    def message(self) -> dict[str, str]:
        """Return the parts that are not empty; the error is always there."""
        return {name: text for name, text in asdict(self).items() if text or name == "error"}
