"""InferenceTranslator: a translator's network computed by the engine, without torch, in 8 bits or
float32."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import longest_first, pad
from elman.inference import pooling
from elman.inference.decoder import InferenceDecoder, SourceMemory
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetworkConfig
from elman.inference.translator_program import translator_program
from elman.inference.weights import gain_of
from elman.models.translator_config import TranslatorConfig, TranslatorSizes

_ROWS = 256
"""Sources read at a time, of similar length."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceTranslatorConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceTranslator``."""

    source: int
    """Types of the source."""
    target: int
    """Types of the target (V)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        TranslatorSizes(self.source, self.target)


class InferenceTranslator(InferenceDecoder):
    """A translator's network; see ``InferenceDecoder``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the network's configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: InferenceTranslatorConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape: TranslatorConfig = TranslatorConfig.from_json(config.network)
        self.sizes = TranslatorSizes(config.source, config.target)
        super().__init__(arrays, config, translator_program(self.shape, self.sizes), patience=patience)

    def read(self, sources: Sequence[NDArray[np.int64]]) -> SourceMemory:
        """Read sources, each of at least one token.

        Raises:
            ModelError: an id that is out of bounds.
        """
        lengths = np.array([len(ids) for ids in sources], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        values = np.empty((starts[-1], self.shape.token_size), np.float32)
        wholes = np.empty((len(sources), self.shape.token_size), np.float32)
        size = self.shape.top_size
        for some in longest_first(lengths, lambda _: _ROWS):
            read, counts = pad([sources[number] for number in some.tolist()], fill=0)
            tokens = self.both_ways(read, counts)
            wholes[some, :size] = pooling.last(tokens[..., :size], counts)
            wholes[some, size:] = tokens[:, 0, size:]
            for row, number in enumerate(some.tolist()):
                values[starts[number] : starts[number + 1]] = tokens[row, : counts[row]]
        return self.remembered(values, lengths, wholes)


def inference_translator(
    arrays: Arrays, config: TranslatorConfig, sizes: TranslatorSizes, *, int8: Iterable[str], patience: int = PATIENCE
) -> InferenceTranslator:
    """The engine's translator of a network's own weights, those of the groups ``int8`` in 8
    bits."""
    settings = InferenceTranslatorConfig(
        network=config.to_json(), source=sizes.source, target=sizes.target, int8=sorted(int8), gain=gain_of(arrays)
    )
    return InferenceTranslator(arrays, settings, patience=patience)
