"""Setting, listing and removing secrets by hand: `lab.secrets.set("hf-token")` asks, and shows nothing."""

from __future__ import annotations

import getpass
import warnings
from typing import TYPE_CHECKING

from astraml_lab.errors import Conflict
from astraml_lab.secrets.sources import Secret, Secrets, how_to_set
from astraml_lab.spec import default_home

if TYPE_CHECKING:
    from astraml_lab.secrets.sources import Keeper


def set_secret(
    name: str, value: str | None = None, *, project: str = "default", to: Keeper | None = None
) -> Secret:
    """Keep a secret of a project.

    Args:
        name: What requests and trials call it: `hf-token`.
        value: Its value; by default the person at the keyboard is asked for it, and what is typed is not
            shown. A value in a notebook's cell is saved with the notebook.
        project: Whose it is.
        to: `keyring` or `file`; by default the system's keyring where there is one.

    Raises:
        InvalidSpec: The name or the value cannot be one.
        Conflict: Nobody is at the keyboard.
        SecretsRefused: What is to keep it cannot.
    """
    return Secrets(default_home()).put(project, name, ask(project, name) if value is None else value, to)


def list_secrets(project: str | None = None) -> list[Secret]:
    """Return the secrets of a project, or of all: their names and where they are, never their values."""
    return Secrets(default_home()).all(project)


def remove_secret(name: str, *, project: str = "default") -> Secret:
    """Forget a secret.

    Raises:
        NotFound: There is none of this name.
    """
    return Secrets(default_home()).remove(project, name)


def ask(project: str, name: str) -> str:
    """Have the person at the keyboard type a secret, which is not shown.

    Raises:
        Conflict: There is nobody.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
            return getpass.getpass(f"The value of {name} (it is not shown): ")
    except (NotImplementedError, EOFError, OSError, getpass.GetPassWarning):  # a kernel without a keyboard …
        pass
    raise Conflict(f"nobody is at the keyboard to be asked for {name}: {how_to_set(project, name)}")
