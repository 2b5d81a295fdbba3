"""The contract of every language model: LanguageModel and State.

Decoding, reports and applications use n-grams, networks and mixtures only through it. A model reads
a document as one stream of tokens in which `</s>` is the line end. It predicts the next token from
a State, which represents everything read so far. Arguments and results are NumPy arrays: ids int64,
natural log-probabilities float32.

Good:
    state = model.start()
    model.log_probs(state)                    # the first token of a document, without context
    state = model.advance(ids, state)         # a new state; the old one is still valid
Bad:
    model.advance([bos_id], model.start())    # `<s>` is not a type; start() is a document start
    model.log_probs(state)[0, id] / log(10)   # log10 belongs to ARPA files only

Conventions: token id 0 is `<unk>`, id 1 is `</s>`, at every level. V = tokenizer.size.
"""

import hashlib
import struct
from collections.abc import Hashable, Sequence
from typing import Any, Protocol, Self, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import ModelError
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer


class State:
    """Everything that a model has read, for B rows: an immutable value.

    The parts are arrays with the batch as first axis. Equal rows have equal continuations.

    >>> state = State("m1", {"h": np.zeros((2, 3), np.float32)})
    >>> state.batch, state.take([1, 1, 0]).batch
    (2, 3)
    """

    __slots__ = ("model_hash", "parts")

    def __init__(self, model_hash: str, parts: dict[str, NDArray[Any]]) -> None:
        sizes = set()
        for part in parts.values():
            sizes.add(len(part))
            part.setflags(write=False)
        assert len(sizes) == 1, f"parts of one state have different batch sizes: {sizes}"
        self.model_hash = model_hash
        self.parts = parts

    @property
    def batch(self) -> int:
        """How many rows, B."""
        return next(iter(self.parts.values())).shape[0]

    def take(self, rows: Sequence[int] | NDArray[Any]) -> Self:
        """The chosen rows, in that order, repeats allowed."""
        index = np.asarray(rows, dtype=np.int64)
        return type(self)(self.model_hash, {name: part[index] for name, part in self.parts.items()})

    @classmethod
    def stack(cls, states: Sequence["State"]) -> "State":
        """Several states of one model as the rows of one.

        Raises:
            ModelError: they belong to different models.
        """
        if len({state.model_hash for state in states}) != 1:
            raise ModelError("states of different models cannot be stacked; keep one list per model")
        names = states[0].parts
        joined = {name: np.concatenate([state.parts[name] for state in states]) for name in names}
        return cls(states[0].model_hash, joined)

    def key(self, row: int = 0) -> Hashable:
        """A hashable value, equal for rows with equal continuations (beam search merges them)."""
        return tuple(part[row].tobytes() for part in self.parts.values())

    def to_bytes(self) -> bytes:
        """This state as the bytes of a file, with its model's hash and a checksum."""
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(part) for name, part in self.parts.items()}
        body = save(arrays, metadata={"model": self.model_hash})
        return _MAGIC + hashlib.sha256(body).digest() + struct.pack("<Q", len(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes, *, like: "State") -> "State":
        """Read ``to_bytes`` back; ``like`` is a state of the same model (its ``start()``).

        Raises:
            ModelError: damaged, of another model, or of other shapes.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        head = len(_MAGIC) + 40
        if len(data) < head or data[: len(_MAGIC)] != _MAGIC:
            raise ModelError(
                "this is not a saved elman state; save one with `elman score --save-state` or State.to_bytes()"
            )
        body = data[head:]
        if data[len(_MAGIC) : head] != hashlib.sha256(body).digest() + struct.pack("<Q", len(body)):
            raise ModelError("the saved state is damaged or cut off; save it again")
        try:
            length = struct.unpack("<Q", body[:8])[0]
            owned = f'"model":"{like.model_hash}"'.encode() in body[8 : 8 + length].replace(b": ", b":")
            parts = load(body) if owned else {}
        except (SafetensorError, struct.error, ValueError, KeyError) as error:
            raise ModelError("the saved state is damaged; save it again") from error
        if not owned:
            raise ModelError("the saved state belongs to another model; load the model that wrote it")
        for name, part in like.parts.items():
            stored_part = parts.get(name)
            if stored_part is None or stored_part.dtype != part.dtype or stored_part.shape[1:] != part.shape[1:]:
                raise ModelError(f"the saved state does not fit this model (part {name!r}); it was not made by it")
        if len({part.shape[0] for part in parts.values()}) != 1:
            raise ModelError("the saved state has parts of different sizes; save it again")
        if not all(np.isfinite(part).all() for part in parts.values()):
            raise ModelError("the saved state holds numbers that are not finite; it was not made by this model")
        if set(parts) != set(like.parts):
            raise ModelError("the saved state has parts that this model does not know")
        # The file has its own order; the order of the model's parts matters for keys.
        return cls(like.model_hash, {name: parts[name] for name in like.parts})


_MAGIC = b"ELMANST1"


@runtime_checkable
class LanguageModel(Protocol):
    """The interface of every language model."""

    tokenizer: Tokenizer
    batchable: bool
    """Whether B > 1 is allowed."""
    exact: bool
    """Whether probabilities sum to 1 in every state (imported or quantised tables do not)."""
    forgets_lines: bool
    """Whether the state after `</s>` always equals a document start."""

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabulary and weights; states are bound to it."""
        ...

    def start(self, batch: int = 1) -> State:
        """The state of a document start: nothing consumed."""
        ...

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]`` float32."""
        ...

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row, ``ids[B]``; ``state`` itself stays valid."""
        ...

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token in turn, and the state after each row's last real
        one.

        ``ids[B, T]``; positions from ``lengths[B]`` on are padding (any id), scored 0. Equal to the
        chain of ``log_probs`` and ``advance``. ``lengths`` may be 0; T may be 0.
        """
        ...

    def features(self, state: State) -> NDArray[np.float32] | None:
        """Hidden vectors ``[B, H]`` of the context, or None if the model has none."""
        ...

    def describe(self) -> dict[str, Any]:
        """For tables and model cards: ``{"name": "lstm", "parameters": 123, "size": "2 x
        256"}``.
        """
        ...


class StoredModel(LanguageModel, Protocol):
    """A language model that can be written to a folder and read back."""

    @property
    def config(self) -> Config:
        """Its configuration, which with the arrays rebuilds it."""
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All weights by name."""
        ...


def stored(model: LanguageModel) -> StoredModel:
    """The model as one that can be written to a folder.

    Raises:
        ModelError: it cannot.
    """
    if not (hasattr(model, "config") and hasattr(model, "to_arrays")):
        raise ModelError(f"a {model.describe()['name']} cannot be written to a folder")
    return cast(StoredModel, model)
