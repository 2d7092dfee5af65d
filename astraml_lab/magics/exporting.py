"""`%tune export`: a job in another form, in the notebook or in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem, one_of
from astraml_lab.magics.files import write_csv, write_new
from astraml_lab.spec import Dialect, nearest, shown

if TYPE_CHECKING:
    from astraml_lab.magics.call import Call

FORMS = ("cell", "csv", "optuna", *Dialect)
"""What `%tune export` makes of a job."""


def export(call: Call) -> object:
    """Return a job in another form, or write it to a file and say so.

    Raises:
        InvalidSpec: There is no such form, or it is nothing for a file.
        Conflict: The file is there already.
    """
    words = call.words[1:]
    form = words[0] if words else FORMS[0]
    file = words[1] if len(words) > 1 else ""
    if form not in FORMS:
        problem = Problem("FORM", shown(form), one_of(FORMS), nearest(form, FORMS))
        raise InvalidSpec([problem], subject="the line")
    job = call.job()
    made = job.export(form)
    if form == "csv" and not file:
        return write_csv(job.name, made)
    if not file:
        return made
    if form == "optuna":
        problem = Problem("FILE", shown(file), "a study is not written to a file", "study = %tune export …")
        raise InvalidSpec([problem], subject="the line")
    path = Path(file).expanduser()
    write_new(path, made if isinstance(made, str) else json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    left_out = "".join(f"\n  - {each}" for each in getattr(made, "left_out", ()))
    return f"{path} holds {job.name} as {form}." + (f" It cannot say:{left_out}" if left_out else "")
