"""ContextReader: the hidden state of a language model at each word of a line, without torch.

Contextual string embeddings (Akbik et al. 2018): a language model has read all of a line up to the
end of a word, or, if it reads from the end of a line, down to the word's start. Its last layer's
output there says what it knows of the word and of that side of it.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import longest_first, pad
from elman.errors import FolderError
from elman.inference.engine import PATIENCE, Engine
from elman.inference.model import Arrays, InferenceConfig
from elman.inference.network import network_program
from elman.inference.passes import optimise
from elman.inference.stack import check_states
from elman.inference.weights import ProgramWeights, in_8_bits, stored_arrays
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import cluster_arrays, read_clusters
from elman.text.tokenizer import Tokenizer

_ROWS = 256
"""Lines read at a time, of similar length."""
_NUMBERS = 1 << 23
"""Most numbers of their tokens' outputs in memory at a time."""


class WordedLine(NamedTuple):
    """A line, and the places of its words."""

    text: str
    bounds: NDArray[np.int64]
    """Start and end of each word in characters ``[T, 2]``, rising; words may share a place."""


class ContextReader:
    """The step of a network that is a language model, without its output.

    Args:
        arrays: its weights, or what ``to_arrays`` gave.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the configuration is invalid.
    """

    def __init__(
        self, arrays: Arrays, tokenizer: Tokenizer, config: InferenceConfig, *, patience: int = PATIENCE
    ) -> None:
        self.tokenizer, self.config = tokenizer, config
        shape = NeuralConfig.from_json(config.network)
        check_states(shape)
        clusters = read_clusters(shape, tokenizer.size, arrays)
        self._clusters = cluster_arrays(shape, clusters)
        program = optimise(network_program(shape, tokenizer.size, clusters), gain=config.gain)
        self._step = in_8_bits(program["step"], config.int8)
        self._states = program.states
        self._weights = ProgramWeights(arrays)
        self._weights.check([self._step])
        self._engine = Engine(self._step, self._weights, patience=patience)
        self.size = shape.top_size
        """Numbers for each word (F)."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed; those of the output are not."""
        return {**stored_arrays([self._step], self._weights), **self._clusters}

    @property
    def hash(self) -> str:
        """Hex digest of network and tokenizer."""
        facts = (self.config.model, sorted(self.config.int8), self.config.gain, self.tokenizer.hash)
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    @property
    def description(self) -> str:
        """Its kind, tokens and direction, in words."""
        about = self.tokenizer.config
        name = NeuralConfig.from_json(self.config.network).cell
        return f"{name} of {about.level} tokens, {about.direction}"

    def vectors(self, lines: Sequence[WordedLine]) -> list[NDArray[np.float32]]:
        """The output of the last layer at each word, ``[T, F]`` for each line of T words.

        That is after the last token of the word in the order of reading: its last one in the text,
        or its first one for a model that reads from the end. Rows do not depend on other lines.
        """
        encoded = [self.tokenizer.encode(line.text) for line in lines]
        ids = [own.ids for own in encoded]
        places = [self._places(own.spans, line.bounds) for own, line in zip(encoded, lines, strict=True)]
        found = [np.zeros((len(place), self.size), np.float32) for place in places]
        lengths = np.array([len(own) + 1 for own in ids], np.int64)
        for some in longest_first(lengths, lambda longest: min(max(_NUMBERS // (longest * self.size), 1), _ROWS)):
            numbers: list[int] = some.tolist()
            # Every line begins with `<s>`.
            read, counts = pad([np.append(self.tokenizer.size, ids[number]) for number in numbers], fill=0)
            state = {name: np.zeros((len(some), size), np.float32) for name, size in self._states.items()}
            tops, _ = self._engine.along(read, counts, state, top="next.top")
            for row, number in enumerate(numbers):
                found[number][:] = tops[row, places[number]]
        return found

    def _places(self, spans: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """The step after which each word is read; 0 is `<s>`."""
        if not self.tokenizer.config.is_backward:
            # The last token that begins before the end of the word.
            return np.searchsorted(spans[:, 0], bounds[:, 1], side="left")
        # The first token that ends after the start of the word.
        return len(spans) - np.searchsorted(spans[::-1, 1], bounds[:, 0], side="right")


def to_bytes(readers: Sequence[ContextReader]) -> bytes:
    """The content of a safetensors file that holds language models."""
    import json

    from safetensors.numpy import save

    arrays = {f"{at}.{name}": array for at, reader in enumerate(readers) for name, array in reader.to_arrays().items()}
    about = [
        {
            "config": reader.config.to_json(),
            "tokenizer": {name: data.decode() for name, data in reader.tokenizer.to_files().items()},
        }
        for reader in readers
    ]
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(whole, metadata={"elman": json.dumps(about)})


def from_bytes(data: bytes) -> tuple[ContextReader, ...]:
    """Read ``to_bytes`` back.

    Raises:
        FolderError: the bytes are damaged or hold something else.
    """
    import json

    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["elman"])
        parts = [(InferenceConfig.from_json(part["config"]), dict(part["tokenizer"])) for part in about]
        files = [{name: text.encode() for name, text in tokenizer.items()} for _, tokenizer in parts]
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FolderError("the file of language models is damaged; copy or train the tagger again") from error
    readers = []
    for at, (config, _) in enumerate(parts):
        own = {name.removeprefix(f"{at}."): array for name, array in arrays.items() if name.startswith(f"{at}.")}
        readers.append(ContextReader(own, Tokenizer.from_files(files[at]), config))
    return tuple(readers)
