"""The system's keyring, where there is one: the extra `secrets` brings the library."""

from __future__ import annotations

import shlex
from typing import Any

from astraml_lab import optional
from astraml_lab.errors import AstramlError
from astraml_lab.secrets.file import SecretsRefused

SERVICE = "astraml-lab"
_RECOMMENDED = 1
"""The library's own mark: what is below keeps nothing, or keeps it in plain sight."""


class NoKeyring(AstramlError):
    """There is no keyring here: have the file keep the secret."""


def usable() -> bool:
    """Whether there is a keyring that can be trusted."""
    return optional.installed("keyring") and _priority() >= _RECOMMENDED


def get(project: str, name: str) -> str | None:
    """Return a secret; None where the keyring has none, or there is no keyring.

    Raises:
        SecretsRefused: It is locked, or fails otherwise.
    """
    return None if not usable() else _ask("get_password", project, name)


def put(project: str, name: str, value: str) -> None:
    """Keep a secret.

    Raises:
        MissingExtra: The library is not installed.
        NoKeyring: There is no keyring.
        SecretsRefused: It is locked, or fails otherwise.
    """
    optional.load("keyring", extra="secrets")
    if not usable():
        raise NoKeyring("this machine has no keyring that can be used: leave `--to keyring` out")
    _ask("set_password", project, name, value)


def drop(project: str, name: str) -> None:
    """Forget a secret, if the keyring has it.

    Raises:
        SecretsRefused: It is locked, or fails otherwise.
    """
    if get(project, name) is not None:
        _ask("delete_password", project, name)


def _priority() -> float:
    import keyring

    try:
        return float(keyring.get_keyring().priority)
    except Exception:  # noqa: BLE001 - whatever a back end stumbles over, it is none that can be used
        return 0.0


def _ask(call: str, project: str, name: str, *more: str) -> Any:
    import keyring

    try:
        return getattr(keyring, call)(SERVICE, f"{project}/{name}", *more)
    except Exception as error:  # noqa: BLE001 - each back end has errors of its own
        failed = type(error).__name__  # not its words: who knows what they repeat
    raise SecretsRefused(
        f"the keyring does not answer ({failed}): unlock it, or keep the secret in the file: "
        f"`astraml secret set {name} --project {shlex.quote(project)} --to file`"
    )
