"""`%%tune` with a request of a service as its body, and `%%tunesql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec.options import read_options

if TYPE_CHECKING:
    from astraml_lab.magics.call import Lab

_INSTEAD = ("dry_run", "check")
"""The options that go with a request: they ask for something else than to run it."""


def run_request(line: str, body: str, lab: Lab) -> Any:
    """Submit a request; with --dry-run only show what it would be, with --check try its first step besides.

    Raises:
        InvalidSpec: The line has other options.
        RequestRefused: In the service's own words.
    """
    asked = _asked(line)
    if not asked:
        return lab.submit(body)
    translation = lab.read(body)
    if "check" not in asked:
        return translation
    from IPython.display import display

    display(translation)  # type: ignore[no-untyped-call]  # IPython's own
    print(lab.check(translation))  # noqa: T201 - what was asked for
    return None


def run_sql(line: str, cell: str, lab: Lab) -> Any:
    """Answer SQL; a statement may begin on the magic's own line.

    Raises:
        InvalidSpec: There is no statement.
    """
    statement = f"{line}\n{cell}".strip()
    if not statement:
        hint = "%tunesql SELECT name, state FROM jobs"
        raise InvalidSpec([Problem("the statement", "", "missing", hint)], subject="the cell")
    return lab.sql(statement)


def _asked(line: str) -> set[str]:
    options = read_options(line)
    asked = {name for name, given in options.fields.items() if given}
    others = [*(name for name in options.fields if name not in _INSTEAD), *map(str, options.objectives)]
    if others or options.problems:
        said = "a request takes no options but --check and --dry-run"
        raise InvalidSpec([Problem("the line", "", said, "put the others into the request")])
    return asked
