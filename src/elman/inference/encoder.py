"""InferenceEncoder: an encoder network computed by the engine, without torch, in 8 bits or float32.

In 8 bits results are the same bits whatever the processor, the other rows, their order and the
padding. In float32 they do not depend on other rows, order and padding either.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import longest_first
from elman.errors import ModelError
from elman.inference import pooling
from elman.inference.encoder_program import encoder_program
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, EngineNetworkConfig
from elman.inference.stack import check_states
from elman.inference.weights import gain_of
from elman.models.encoder_config import EncoderConfig
from elman.models.stack_config import check_size

_ROWS = 256
"""Rows read at a time, of similar length, so that their outputs stay in the cache."""
_NUMBERS = 1 << 23
"""Most numbers of token outputs in memory at a time."""

Texts = NDArray[np.integer] | Sequence[Sequence[int] | NDArray[np.integer]]
"""Padded ids ``[B, T]``, or the ids of each text."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceEncoderConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceEncoder``."""

    vocab_size: int
    """Types (V)."""
    outputs: int
    """Labels (K); 0 for a network that is used by its pooled vectors."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("vocab_size", self.vocab_size)
        if self.outputs:
            check_size("outputs", self.outputs)


class InferenceEncoder(EngineNetwork):
    """An encoder network: from token ids of texts to one number per label.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough
            (``to_arrays``).
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the network's configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: InferenceEncoderConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape = EncoderConfig.from_json(config.network)
        check_states(self.shape)
        program = encoder_program(self.shape, config.vocab_size, config.outputs)
        super().__init__(arrays, config, program, patience=patience)

    def logits(self, texts: Texts, lengths: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """One number per label ``[B, K]``: logits of a softmax or of sigmoids.

        Args:
            texts: padded ids ``[B, T]``, any numbers at padding, or the ids of each text. Ids go
                from 0 to V - 1; texts may be empty.
            lengths: tokens of each row of padded ids ``[B]`` (default: all T).

        Raises:
            ModelError: an id or a length that is out of bounds.
        """
        return self._run(texts, lengths, "logits")

    def log_probs(self, texts: Texts, lengths: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """Natural logarithms of the labels' probabilities ``[B, K]``, which sum to 1 (softmax).

        The arguments are those of ``logits``.
        """
        return self._run(texts, lengths, "log_probs")

    def _run(self, texts: Texts, lengths: NDArray[np.integer] | None, wanted: str) -> NDArray[np.float32]:
        ids, counts = _padded(texts, lengths)
        if not len(ids):
            return np.zeros((0, self.config.outputs), np.float32)
        vectors = self._vectors(ids, counts, self.program["output"].inputs)
        return np.array(self._engines["output"].run({}, vectors, [wanted])[0])

    def pooled(self, texts: Texts) -> NDArray[np.float32]:
        """One vector per text ``[B, P]``, from which the labels follow."""
        ids, counts = _padded(texts, None)
        return self._vectors(ids, counts, {"pooled": self.shape.pooled_size})["pooled"]

    def _vectors(
        self, ids: NDArray[np.int64], counts: NDArray[np.int64], sizes: Mapping[str, int]
    ) -> dict[str, NDArray[np.float32]]:
        """The inputs of ``output``, of these sizes, by name ``[B, size]``."""
        vectors = {name: np.empty((len(ids), size), np.float32) for name, size in sizes.items()}
        width = self.shape.token_size + self.config.outputs
        for rows in longest_first(counts, lambda longest: min(max(_NUMBERS // (longest * width), 1), _ROWS)):
            made = self._pooled(ids[rows], counts[rows])
            for name in sizes:
                vectors[name][rows] = made[name]
        return vectors

    def _pooled(self, ids: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """The inputs of ``output`` for rows sorted by ``counts``, their tokens with `<s>`."""
        read = np.full((len(ids), counts[0]), self.config.vocab_size, np.int64)
        read[:, 1:] = ids[:, : counts[0] - 1]
        read[np.arange(counts[0]) >= counts[:, None]] = self.config.vocab_size
        sides = [self.along("forward", read, counts)]
        size = self.shape.top_size
        bag: dict[str, NDArray[np.float32]] = {}
        if self.shape.bag:
            bag["bag"] = pooling.mean(sides[0][..., size:], counts)
            sides[0] = sides[0][..., :size]
        if self.shape.bidirectional:
            sides.append(self.along("backward", pooling.mirrored(read, counts), counts))
        parts = [part for kind in self.shape.pooling.split("-") for part in self._parts(kind, sides, counts)]
        return {"pooled": np.concatenate(parts, axis=1), **bag}

    def _parts(self, kind: str, sides: list[Any], counts: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        """One kind of pooling over the tokens of each direction."""
        if kind == "attention":
            return [self._attention(sides, counts)]
        pool = {"mean": pooling.mean, "max": pooling.largest, "last": pooling.last}[kind]
        return [pool(tokens, counts) for tokens in sides]

    def _attention(self, sides: list[Any], counts: NDArray[np.int64]) -> NDArray[np.float32]:
        backward = [pooling.mirrored(tokens, counts) for tokens in sides[1:]]
        tokens = np.concatenate([sides[0], *backward], axis=2)
        real = np.arange(tokens.shape[1]) < counts[:, None]
        scores = np.zeros(tokens.shape[:2], np.float32)
        scores[real] = self._engines["attention"].run({}, {"token": tokens[real]}, ["score"])[0][:, 0]
        return pooling.weighted(tokens, counts, scores)


def inference_encoder(
    arrays: Arrays,
    config: EncoderConfig,
    *,
    vocab_size: int,
    outputs: int,
    int8: Iterable[str],
    patience: int = PATIENCE,
) -> InferenceEncoder:
    """The encoder of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = InferenceEncoderConfig(
        network=config.to_json(), vocab_size=vocab_size, outputs=outputs, int8=sorted(int8), gain=gain_of(arrays)
    )
    return InferenceEncoder(arrays, settings, patience=patience)


def _padded(texts: Texts, lengths: NDArray[np.integer] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids ``[B, T]``, and how many tokens each row has with `<s>` ``[B]``."""
    if isinstance(texts, np.ndarray) and texts.ndim == 2:
        ids = np.asarray(texts, np.int64)
        sizes = np.full(len(ids), ids.shape[1]) if lengths is None else np.asarray(lengths, np.int64)
        if sizes.shape != ids.shape[:1] or (sizes.size and not (sizes.min() >= 0 and sizes.max() <= ids.shape[1])):
            raise ModelError(
                f"lengths are {sizes.tolist()[:8]}; there must be {len(ids)} of them, from 0 to {ids.shape[1]}"
            )
        return ids, sizes + 1
    if lengths is not None:
        raise ModelError("lengths belong to padded ids [B, T]; texts of their own lengths need none")
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    ids = np.zeros((len(texts), int(sizes.max(initial=0))), np.int64)
    if ids.size:
        ids[np.arange(ids.shape[1]) < sizes[:, None]] = np.concatenate([np.asarray(text, np.int64) for text in texts])
    return ids, sizes + 1
