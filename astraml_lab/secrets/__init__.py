"""Secrets: kept by project, resolved in a trial alone, and taken out of what it prints.

    lab.secrets.set("hf-token")  # asks for the value, and shows nothing
    lab.secrets.list()

In a cell or function `trial.secret("hf-token")` is the value; in a request `{"secret": "hf-token"}` is.
"""

from __future__ import annotations

from astraml_lab.secrets.asking import list_secrets as list  # noqa: A004 - lab.secrets.list()
from astraml_lab.secrets.asking import remove_secret as remove
from astraml_lab.secrets.asking import set_secret as set  # noqa: A004 - lab.secrets.set()
from astraml_lab.secrets.file import SecretsRefused
from astraml_lab.secrets.redaction import Hidden, Redactor
from astraml_lab.secrets.sources import Secret, Secrets, from_environment, how_to_set, without_secrets

__all__ = [
    "Hidden",
    "Redactor",
    "Secret",
    "Secrets",
    "SecretsRefused",
    "from_environment",
    "how_to_set",
    "list",
    "remove",
    "set",
    "without_secrets",
]
