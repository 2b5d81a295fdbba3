"""One file from which training resumes bit for bit: weights, optimiser, averages, state, cursor.

It is replaced atomically, so a kill at any moment leaves the old one or the new one, whole. All
that is random later is keyed by (seed, update), so no generator needs saving.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elman.data.streams import Cursor
from elman.errors import FolderError, TrainingError
from elman.system.files import write_atomic

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclasses.dataclass
class Position:
    """Where a run is, apart from its tensors."""

    update: int = 0
    epoch: int = 0
    offset: int = 0
    seconds: float = 0.0
    """Training time so far, over all resumes."""
    best: float | None = None
    """The best validation loss so far, nats per token."""
    best_update: int = 0
    worse: int = 0
    """Validations since the best one."""
    averaged: int = 0
    """How many weights the running average holds."""
    average_start: int = 0
    """The update after which a validation set off the averaging; 0: none did."""
    log_bytes: int = 0
    """Length of the log that belongs to this position; anything after it is cut off on resuming.
    """
    log_crc: int | None = None
    """CRC-32 of that part of the log; None in files of elman 0.1."""

    @property
    def cursor(self) -> Cursor:
        """The place in the streams."""
        return Cursor(self.epoch, self.offset)


def write_checkpoint(folder: Path, position: Position, groups: dict[str, dict[str, Tensor]]) -> None:
    """Write everything; ``groups`` are named families of tensors (weights, optimizer, average,
    state)."""
    from safetensors.torch import save

    tensors = {
        f"{group}/{name}": t.detach().cpu().contiguous()
        for group, family in groups.items()
        for name, t in family.items()
    }
    # Tied weights share memory, which safetensors refuses: each name gets its own copy.
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen:
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr())
    place = dataclasses.asdict(position)
    facts = {"position": place, "digest": _digest(place, tensors)}
    write_atomic(folder / CHECKPOINT_FILE, save(tensors, metadata={"elman": json.dumps(facts)}))


def read_checkpoint(folder: Path) -> tuple[Position, dict[str, dict[str, Tensor]]]:
    """Read ``write_checkpoint`` back.

    Raises:
        TrainingError: there is none.
        FolderError: it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    file = folder / CHECKPOINT_FILE
    if not file.is_file():
        raise TrainingError(f"{folder.parent} has no checkpoint to resume from; train it without --resume")
    try:
        with safe_open(file, framework="pt") as opened:
            stated = (opened.metadata() or {})["elman"]
            facts = json.loads(stated)
            if json.dumps(facts) != stated:
                raise ValueError("changed after it was written")
            # Copies: some systems do not let a file be replaced while it is mapped.
            tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118 (not a mapping)
        place, digest = facts["position"], facts["digest"]
        position = Position(**place)
        _check(position)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise FolderError(f"{file} is damaged ({type(error).__name__}); remove the folder and train again") from error
    if digest != _digest(place, tensors):
        raise FolderError(f"{file} is damaged: its digest does not match; remove the folder and train again")
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = tensor
    return position, groups


def _check(position: Position) -> None:
    for field in dataclasses.fields(Position):
        value = getattr(position, field.name)
        if field.name in ("best", "log_crc") and value is None:
            continue
        kinds = (int, float) if field.name in ("best", "seconds") else int
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < 1 << 50:
            raise ValueError(f"{field.name} out of range")


def _digest(place: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(place, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
