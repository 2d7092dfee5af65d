"""Where secrets come from: a variable of the process, else what `secret set` keeps, else the keyring.

`secret set` keeps a value in the system's keyring where there is one, else in `<home>/secrets.json`; that
file also says which names the keyring has, as a keyring cannot be listed.
"""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.secrets import ring
from astraml_lab.secrets.file import SecretFile, SecretsRefused
from astraml_lab.secrets.redaction import SHORTEST
from astraml_lab.spec import SECRET_PREFIX, nearest, secret_variable, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Literal

    Keeper = Literal["keyring", "file"]

KEEPERS: tuple[Keeper, ...] = ("keyring", "file")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LONGEST = 1 << 16


class Secret(NamedTuple):
    """A secret without its value.

    Attributes:
        project: Whose it is; empty for a variable that fits several.
        name: What it is called in a request.
        source: `variable`, `keyring` or `file`.
        notes: What else there is to say, in sentences.
    """

    project: str
    name: str
    source: str
    notes: tuple[str, ...] = ()


class Secrets:
    """The secrets of a home, by project. Nothing is remembered: each call asks the sources. Thread-safe.

    Args:
        home: The lab's folder.
    """

    def __init__(self, home: Path) -> None:
        self._file = SecretFile(home)

    def resolve(self, project: str, name: str) -> str:
        """Return the value of a secret.

        Raises:
            NotFound: There is none, with how to set it.
            SecretsRefused: What keeps it cannot be read.
        """
        value = os.environ.get(secret_variable(project, name))
        if value is None:
            entry = self._entries(project).get(name, {})
            value = entry["value"] if "value" in entry else ring.get(_key(project), name)
            if value is None and entry:
                raise SecretsRefused(
                    f"{name} is in the keyring, which this process cannot use: {how_to_set(project, name)}"
                )
        if value is None:
            raise NotFound(f"the project {project} has no secret {name}: {how_to_set(project, name)}")
        return value

    def known(self, project: str, names: Iterable[str]) -> frozenset[str]:
        """Return which of these secrets there are.

        Raises:
            SecretsRefused: What keeps them cannot be read.
        """
        wanted = {name for name in names if _NAME.fullmatch(name)}
        found = {name for name in wanted if secret_variable(project, name) in os.environ}
        if wanted - found:
            found |= wanted & self._entries(project).keys()
        return frozenset(
            found | {name for name in wanted - found if ring.get(_key(project), name) is not None}
        )

    def put(self, project: str, name: str, value: str, to: Keeper | None = None) -> Secret:
        """Keep a secret, in the keyring if there is one and the file is not asked for.

        Raises:
            InvalidSpec: The name or the value cannot be one.
            MissingExtra, NoKeyring, SecretsRefused: What is to keep it cannot.
        """
        _check(project, name, value, to)
        chosen = to or ("keyring" if ring.usable() else "file")
        with self._file.changing() as projects:
            kept = projects.setdefault(_key(project), {})
            if chosen == "keyring":
                ring.put(_key(project), name, value)
            elif kept.get(name, {}).get("keyring"):
                ring.drop(_key(project), name)
            kept[name] = {"keyring": True} if chosen == "keyring" else {"value": value}
        return Secret(project, name, chosen, tuple(_notes(project, name, value)))

    def remove(self, project: str, name: str) -> Secret:
        """Forget a secret.

        Raises:
            NotFound: Nothing keeps it, with what there is.
            SecretsRefused: What keeps it cannot be changed.
        """
        variable = secret_variable(project, name)
        with self._file.changing() as projects:
            kept = projects.setdefault(_key(project), {})
            entry = kept.pop(name, None)
            source = "file" if entry is not None and "value" in entry else "keyring"
            if entry is None and ring.get(_key(project), name) is None:
                if variable in os.environ:
                    raise NotFound(f"{name} is the variable {variable}: unset it where the kernel is started")
                hint = nearest(name, kept) or f"known: {', '.join(sorted(kept)) or 'none'}"
                raise NotFound(f"the project {project} has no secret {name} ({hint})")
            if source == "keyring":
                ring.drop(_key(project), name)
        left = (f"the variable {variable} still holds one",) if variable in os.environ else ()
        return Secret(project, name, source, left)

    def all(self, project: str | None = None) -> list[Secret]:
        """Return the secrets of a project, or of all, by name; of the keyring those that `put` kept there.

        Raises:
            SecretsRefused: The file cannot be read.
        """
        rest = {name for name in os.environ if name.startswith(SECRET_PREFIX)}
        found = []
        for owner, entries in self._file.read().items():
            for name, entry in entries.items() if project is None or owner == _key(project) else ():
                variable = secret_variable(owner, name)
                source = "file" if "value" in entry else "keyring"
                found.append(Secret(owner, name, "variable" if variable in os.environ else source))
                rest.discard(variable)
        start = SECRET_PREFIX if project is None else secret_variable(project, "")
        for variable in rest:
            if variable.startswith(start):
                name = variable if project is None else variable.removeprefix(start).lower()
                found.append(Secret(project or "", name, "variable"))
        return sorted(found)

    def _entries(self, project: str) -> Mapping[str, Mapping[str, str]]:
        return self._file.read().get(_key(project), {})


def how_to_set(project: str, name: str) -> str:
    """Say what to run where a secret is missing."""
    of = "" if project == "default" else f" --project {shlex.quote(project)}"
    variable = secret_variable(project, name)
    return f"run `astraml secret set {name}{of}`, or set {variable} in the kernel's environment"


def from_environment() -> dict[str, str]:
    """Return the values of all variables that hold secrets, by what is left of their names."""
    return {
        name.removeprefix(SECRET_PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(SECRET_PREFIX)
    }


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for something that a trial starts: without the variables that hold secrets."""
    return {name: value for name, value in environment.items() if not name.startswith(SECRET_PREFIX)}


def _key(project: str) -> str:
    """Return what the spellings of a project have in common, as the store has it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", project).casefold())


def _check(project: str, name: str, value: str, to: str | None) -> None:
    problems = []
    if not _NAME.fullmatch(name):
        said = "1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter"
        problems.append(Problem("the name", shown(name), said, _like(name)))
    if not project:
        problems.append(Problem("the project", "", "it has no name"))
    if to is not None and to not in KEEPERS:
        problems.append(Problem("--to", shown(to), "keyring or file", nearest(to, KEEPERS) or ""))
    if not value:
        problems.append(Problem("the value", "", "it is empty"))
    elif "\0" in value or not _is_text(value):
        problems.append(Problem("the value", "", "it is no text: write it as base64"))
    elif len(value) > _LONGEST:
        problems.append(Problem("the value", f"{len(value)} characters long", f"{_LONGEST} at most"))
    if problems:
        raise InvalidSpec(problems, subject="the secret")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _like(name: str) -> str:
    close = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:63]
    return f"`{close}`" if _NAME.fullmatch(close) else ""


def _notes(project: str, name: str, value: str) -> list[str]:
    notes = []
    if len(value) < SHORTEST:
        notes.append(
            f"it is shorter than {SHORTEST} characters, so logs are not searched for it: a trial that prints "
            "it shows it"
        )
    if value != value.strip():
        notes.append("it begins or ends with white space, which is kept")
    variable = secret_variable(project, name)
    if variable in os.environ:
        notes.append(f"the variable {variable} is set here, and wins")
    return notes
