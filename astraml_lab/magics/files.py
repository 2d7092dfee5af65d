"""Files that `%tune` writes beside the notebook."""

from __future__ import annotations

from pathlib import Path

from astraml_lab.errors import Conflict
from astraml_lab.spec import shown


def write_csv(name: str, text: str) -> str:
    """Write a job's table to a new file in the current folder; return what to say of it.

    Raises:
        Conflict: There is such a file already.
    """
    from astraml_lab.jobs.naming import (
        file_name,  # brings SQLAlchemy and Optuna: not while the extension loads
    )

    path = Path(f"{file_name(name)}.csv")
    other = shown(f"{path.stem}-2.csv")
    write_new(path, text, f"choose a name: job.df.to_csv({other})")
    return f"{path} holds the trials of {name}, one per line."


def write_new(path: Path, text: str, otherwise: str = "choose another name") -> None:
    """Write a file that is not there yet.

    Raises:
        Conflict: It is there already, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(f"{path} is there already: remove it, or {otherwise}") from None
    except OSError as error:
        raise Conflict(f"{path} cannot be written: {error.strerror}") from None
