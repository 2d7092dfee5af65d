"""Secrets in a request: what must stand there as a reference only, and which references it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import Mistake, pointer
from astraml_lab.dialects.astraml.shape import is_secret
from astraml_lab.dialects.credentials import is_a_secret, is_plain, names_a_secret
from astraml_lab.spec import secret_variable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_HOMES = ("env", "hyperparams")
_SAY = 'holds a secret; run `astraml secret set NAME`, and write {"secret": "NAME"} in env or hyperparams'


def inline_secrets(request: Mapping[str, Any]) -> list[Mistake]:
    """Find secrets that stand in a request as they are; no message repeats one."""
    return list(dict.fromkeys(_below(request, (), named=False)))


def unknown_secrets(request: Mapping[str, Any], known: Collection[str] | None) -> Iterator[Mistake]:
    """Find references to secrets that the project does not have; where `known` is None, none is missed."""
    for path, name in references(request):
        if known is not None and name not in known:
            project = str(request.get("project_id", ""))
            message = (
                f"the project has no secret `{name}`: run `astraml secret set {name} --project {project}`, "
                f"or set {secret_variable(project, name)} in the kernel's environment"
            )
            yield Mistake(pointer(*path), message, code="unknown-secret")


def references(request: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield every reference of a well-formed request: where it stands, and its name."""
    for home in _HOMES:
        for key, value in request.get(home, {}).items():
            if is_secret(value):
                yield (home, key), value["secret"]


def _below(value: Any, path: tuple[str | int, ...], *, named: bool) -> Iterator[Mistake]:
    """Yield the secrets below a place.

    Args:
        value: What stands there.
        path: Where.
        named: Whether a key above it says that it is a secret.
    """
    if isinstance(value, dict):
        reference = len(path) == 2 and path[0] in _HOMES and is_secret(value)  # noqa: PLR2004 - env/NAME
        for key, each in value.items():
            if is_a_secret(key):  # the pointer of such a key would repeat it
                yield _mistake(path)
            else:
                says = not reference and (named or names_a_secret(key))
                yield from _below(each, (*path, key), named=says)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(each, (*path, index), named=named)
    elif isinstance(value, str) and (is_a_secret(value) or (named and not is_plain(value))):
        yield _mistake(path)


def _mistake(path: tuple[str | int, ...]) -> Mistake:
    return Mistake(pointer(*path), _SAY, code="inline-secret")
