"""How storage behind URIs is reached: endpoints and keys by URI prefix, the keys by the names of secrets.

In a project's astraml.toml:

[storage."s3://bucket"]
endpoint_url = "http://127.0.0.1:9000"
key = { secret = "s3-key" }
secret = { secret = "s3-secret" }

The other names are what fsspec's file system of the scheme takes (`anon`, `token`, `client_kwargs` …).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.credentials import is_inline_secret
from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.script_uris import parts_of
from astraml_lab.objectives.script_values import is_reference, reference
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_KEYS = frozenset({"key", "secret", "token", "password", "account_key", "sas_token", "username"})
"""Options that hold what is secret, or half of it."""

_KINDS: Mapping[str, type] = {"endpoint_url": str, "anon": bool, "use_ssl": bool, "client_kwargs": dict}
"""What options are that every storage calls so."""
_WORDS: Mapping[type, str] = {str: "a text", bool: "true or false", dict: "a table"}
_S3 = (
    *("anon", "endpoint_url", "key", "secret", "token", "use_ssl", "client_kwargs", "requester_pays"),
    *("config_kwargs", "s3_additional_kwargs", "default_block_size", "default_fill_cache", "username"),
    *("default_cache_type", "version_aware", "cache_regions", "max_concurrency", "password", "profile"),
)
VARIABLES: Mapping[str, str] = {
    "AWS_ENDPOINT_URL": "endpoint_url",
    "AWS_ENDPOINT_URL_S3": "endpoint_url",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}
"""Variables that reach S3, and s3fs' options."""


class Storages:
    """Options of file systems by URI prefix; thread-safe as far as a dict is."""

    def __init__(self) -> None:
        self._options: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def register(self, prefix: str, options: Mapping[str, Any]) -> None:
        """Have a prefix be reached with these options.

        Raises:
            InvalidSpec: The prefix is no URI, or an option holds a secret itself; with every mistake.
        """
        parts = parts_of(prefix)
        problems = list(_problems(options))
        if parts is not None and parts[0] == "s3" and isinstance(options, dict):
            problems += _misspelled(options)
        if parts is None:
            problems.append(Problem("the prefix", shown(prefix), "a URI such as s3://bucket"))
        if problems or parts is None:
            raise InvalidSpec(problems, subject="the storage")
        self._options[parts] = json.loads(json.dumps(options))

    def forget(self, prefix: str) -> None:
        """Take a prefix away."""
        self._options.pop(parts_of(prefix) or (), None)

    def find(self, uri: str) -> tuple[int, Mapping[str, Any]] | None:
        """Return how long the longest prefix of a URI is, and its options.

        Raises:
            InvalidSpec: The URI leads out of its bucket.
        """
        parts = parts_of(uri)
        fits = [] if parts is None else [each for each in list(self._options) if parts[: len(each)] == each]
        longest = max(fits, key=len, default=None)
        return None if longest is None else (len(longest), self._options[longest])


STORAGES = Storages()
"""What `lab.register_storage` fills."""


def storage_options(
    uri: str, secret: Callable[[str], str], storages: Iterable[Storages] | None = None
) -> dict[str, Any]:
    """Return what fsspec is to be told of a URI's storage: `storage_options(uri, trial.secret)`.

    To be called in a trial alone, and for what needs it at once: the values of secrets are in it.

    Args:
        uri: `s3://bucket/key`.
        secret: Looks secrets up by name.
        storages: Of equal prefixes, that of the first counts; by default what is registered, then the
            project's file.

    Returns:
        Options for `fsspec.url_to_fs(uri, **options)` or `storage_options=`; empty where nothing is said.

    Raises:
        NotFound: The project has no secret of a name in it.
        InvalidSpec: The URI leads out of its bucket, or the project's file cannot be read.
    """
    if storages is None:
        from astraml_lab.objectives.script_project import project_of  # it registers what this module has

        storages = (STORAGES, project_of(Path.cwd()).storages)
    fits = [found for each in storages if (found := each.find(uri)) is not None]
    options = max(fits, key=lambda each: each[0], default=(0, {}))[1]
    resolved: dict[str, Any] = _resolved(options, secret)
    return resolved


def options_of(uri: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Return what the variables of a request say of the storage of a URI, as fsspec takes it.

    What they leave open comes from the kernel's own environment and profile, `AWS_ENDPOINT_URL` too.
    """
    if (parts_of(uri) or ("",))[0] != "s3":
        return {}
    found: dict[str, Any] = {option: env[name] for name, option in VARIABLES.items() if name in env}
    region = env.get("AWS_REGION", env.get("AWS_DEFAULT_REGION"))
    return {**found, "client_kwargs": {"region_name": region}} if region else found


def _resolved(value: Any, secret: Callable[[str], str]) -> Any:
    named = reference(value)
    if named is not None:
        return secret(named.secret)
    if isinstance(value, dict):
        return {name: _resolved(each, secret) for name, each in value.items()}
    return [_resolved(each, secret) for each in value] if isinstance(value, list) else value


def _misspelled(options: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what only looks like an option of s3fs: it takes others too, so that what is like none passes."""
    for name in options:
        hint = "" if name in _S3 else nearest(str(name), _S3)
        if hint:
            yield Problem(str(name), "", "no such option of s3fs", hint)


def _problems(options: object, path: str = "") -> Iterator[Problem]:
    if not isinstance(options, dict):
        yield Problem(path or "the options", shown(options), 'a table: { key = { secret = "NAME" } }')
        return
    for name, value in options.items():
        where = f"{path}.{name}" if path else str(name)
        kind = _KINDS.get(name) if not path else None
        if kind is not None and not isinstance(value, kind):
            yield Problem(where, shown(value), _WORDS[kind])
        elif isinstance(value, dict) and name in _KEYS and len(value) == 1 and not is_reference(value):
            yield Problem(where, "", f'a secret is said by its name: {name} = {{ secret = "NAME" }}')
        elif isinstance(value, dict):
            yield from () if is_reference(value) else _problems(value, where)
        elif isinstance(value, str) and (name in _KEYS or is_inline_secret(str(name), value)):
            said = f'holds a secret: run `astraml secret set NAME`, and write {name} = {{ secret = "NAME" }}'
            yield Problem(where, "", said)
        elif not isinstance(value, str | bool | int | float | list):
            yield Problem(where, type(value).__name__, "text, a number, a switch, a list or a table")
