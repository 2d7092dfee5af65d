"""Hugging Face Trainers in trials: reporting, and several at once.

Each trial runs inside `isolated`, whatever its code is. There a Trainer has a state of its own, uses the
trial's leased device and no other, writes under the trial's checkpoint folder, and shows no progress bars.
`AstraCallback` (in `callback`: it imports transformers) reports and ends the training.
"""

from __future__ import annotations

from astraml_lab.objectives.trainers.isolation import isolated

__all__ = ["isolated"]
