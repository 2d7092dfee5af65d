"""What becomes of a model that a script has left: an archive, or a plain folder."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pack_model(model: Path, output: Path, *, compress: bool) -> Path | None:
    """Put what is in the folder `model` where the request wants it; nothing where it is empty.

    Returns:
        `model.tar.gz`, or the folder `model`.
    """
    if not model.is_dir() or not any(model.iterdir()):
        return None
    output.mkdir(parents=True, exist_ok=True)
    if not compress:
        target = output / "model"
        shutil.copytree(model, target, dirs_exist_ok=True, symlinks=True)
        return target
    target = output / "model.tar.gz"
    unfinished = target.with_suffix(".unfinished")
    try:
        with tarfile.open(unfinished, "w:gz") as archive:
            for each in sorted(model.iterdir()):
                archive.add(each, arcname=each.name)
        unfinished.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
    return target
