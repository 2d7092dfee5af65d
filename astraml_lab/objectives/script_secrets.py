"""Secrets of a script: resolved when a trial starts, and kept out of its log."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from astraml_lab.errors import NotFound
from astraml_lab.spec import SecretRef, secret_variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "ASTRAML_SECRET_"
"""Variables of the kernel that hold secrets; no script inherits them."""
SHORTEST = 6
"""Shorter values are not looked for: they would be found everywhere."""
_BREAK = r"(?:\r?\n)?"


def resolve(project: str, name: str) -> str:
    """Return the value of a secret.

    Raises:
        NotFound: There is none, with what to set.
    """
    value = os.environ.get(secret_variable(project, name))
    if value is None:
        where = secret_variable(project, name)
        raise NotFound(f"the secret {name} is not known here: set {where} in the kernel's environment")
    return value


def reference(value: Any) -> SecretRef | None:
    """Return the reference that a value of a request is, also as the store gives it back."""
    if isinstance(value, SecretRef):
        return value
    if isinstance(value, dict) and value.keys() == {"secret"} and isinstance(value["secret"], str):
        return SecretRef(secret=value["secret"])
    return None


def known(project: str, request: Any) -> frozenset[str]:
    """Return which of the secrets that a request refers to the project has."""
    return frozenset(name for name in _named(request) if secret_variable(project, name) in os.environ)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and isinstance(value.get("secret"), str):
        yield value["secret"]
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _named(each)


class Redactor:
    """Replaces secrets in one stream of text by `***name***`, also where a piece or a line ends within one.

    Args:
        secrets: Values by name.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._needles: dict[str, str] = {}
        forms = [(form, name) for name, value in secrets.items() for form in _forms(value)]
        for form, name in sorted(forms, key=lambda each: -len(each[0])):  # the longest first
            self._needles.setdefault(form, name)
        groups = []
        for index, (form, name) in enumerate(self._needles.items()):
            self._names[f"s{index}"] = name
            groups.append(f"(?P<s{index}>{_BREAK.join(map(re.escape, form))})")
        self._pattern = re.compile("|".join(groups)) if groups else None
        self._longest = max(map(len, self._needles), default=0)
        self._held = ""

    def add(self, text: str) -> str:
        """Return what of the stream is fit to be seen; the beginning of what may be a secret waits."""
        if self._pattern is None:
            return text
        text = self._held + text
        keep = self._suspicious(text)
        for match in self._pattern.finditer(text):
            if match.start() < keep < match.end():  # another secret may begin within this one
                keep = match.start()
        self._held = text[keep:]
        return self._clean(text[:keep])

    def end(self) -> str:
        """Return what waited."""
        held, self._held = self._held, ""
        return self._clean(held)

    def whole(self, text: str) -> str:
        """Return a text that is no part of the stream without secrets."""
        return self._clean(text)

    def _clean(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"***{self._names[str(match.lastgroup)]}***", text)

    def _suspicious(self, text: str) -> int:
        """Return where the end of the text begins that a secret may begin with."""
        start = max(0, len(text) - 3 * self._longest)
        firsts = {needle[0] for needle in self._needles}
        for index in range(start, len(text)):
            if text[index] in firsts:
                rest = text[index:].replace("\r\n", "").replace("\n", "").rstrip("\r")
                if any(rest != needle and needle.startswith(rest) for needle in self._needles):
                    return index
        return len(text)


def _forms(value: str) -> Iterator[str]:
    """Yield how a secret may be written; line breaks in it do not count."""
    data = value.encode("utf-8", "surrogateescape")
    forms = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        *_base64(data),
        *_base64(data + b"\n"),
    }
    for form in forms:
        bare = re.sub(r"[\r\n]", "", form)
        if len(bare) >= SHORTEST:
            yield bare


def _base64(data: bytes) -> Iterator[str]:
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        text = encoded.decode()
        yield text
        yield text.rstrip("=")
