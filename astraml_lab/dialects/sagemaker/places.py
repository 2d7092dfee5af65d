"""Where a value of a request is: as the request writes it, and as the service's messages do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A path into a request.

    Attributes:
        field: `Tags[0].Key`.
        wire: `tags.1.member.key`.
    """

    field: str = ""
    wire: str = ""

    def member(self, name: str) -> Place:
        """Return the place of a member."""
        if not self.field:
            return Place(name, _lowered(name))
        return Place(f"{self.field}.{name}", f"{self.wire}.{_lowered(name)}")

    def item(self, index: int) -> Place:
        """Return the place of an item of a list, counted from 0."""
        return Place(f"{self.field}[{index}]", f"{self.wire}.{index + 1}.member")


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]
