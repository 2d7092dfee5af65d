"""Creating a study, or loading the one that the storage holds."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

import optuna
from optuna.study import StudyDirection

from astraml_lab.errors import Conflict
from astraml_lab.search.boundary import quiet

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from astraml_lab.spec import Definition

_ENTROPY = "entropy"


def open_study(definition: Definition, storage: BaseStorage, name: str) -> optuna.Study:
    """Create or load the study of a definition; without objectives it minimises a dummy.

    Raises:
        Conflict: The stored one has other objectives.
    """
    ways = [StudyDirection[objective.goal.name] for objective in definition.objectives]
    ways = ways or [StudyDirection.MINIMIZE]
    with quiet():
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=ways,
            pruner=optuna.pruners.NopPruner(),
            # A stand-in: the real one's seed depends on the trials that are there
            sampler=optuna.samplers.RandomSampler(),
            load_if_exists=True,
        )
    if study.directions != ways:
        stored, given = (", ".join(way.name.lower() for way in each) for each in (study.directions, ways))
        raise Conflict(f"The stored search aims to {stored}, this one to {given}: start it under a new name.")
    return study


def entropy_of(study: optuna.Study, seed: int | None) -> int:
    """Return what all randomness of a study derives from: the first to open it decides."""
    stored = study.user_attrs.get(_ENTROPY)
    if stored is None:
        stored = secrets.randbits(32) if seed is None else seed
        study.set_user_attr(_ENTROPY, stored)
    return int(stored)


def derived(entropy: int, name: str) -> int:
    """Return a seed of 32 bits for one use."""
    digest = hashlib.blake2b(f"{entropy}/{name}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")
