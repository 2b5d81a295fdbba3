"""BPE dropout: random ways to cut words into subwords, for training (Provilkov, Emelianenko and
Voita 2020)."""

import json
import random
from collections.abc import Sequence

import numpy as np
import tokenizers
from numpy.typing import NDArray

from elman.text.tokenizer import Tokenizer

_WAYS = 8
"""Different cuts of a word; one of them is drawn each time that it is read."""


class SampledSubwords:
    """Cuts words into subwords of a tokenizer, each time anew; some merges are left out.

    Args:
        tokenizer: of subwords.
        drop: how likely a merge is left out at each step.
        seed: of the cuts of each word.

    >>> from elman.text.tokenizer_config import TokenizerConfig
    >>> config = TokenizerConfig(level="subword", vocab_size=262, min_count=1)
    >>> tokenizer = Tokenizer.fit(["banana banana"], config=config)
    >>> sampled = SampledSubwords(tokenizer, drop=0.5, seed=1)
    >>> (words,) = sampled.words(["banana banana"])
    >>> rows = [sampled.draw(words, np.random.default_rng(seed)) for seed in range(3)]
    >>> {tokenizer.decode(row) for row in rows}, len({row.tobytes() for row in rows}) > 1
    ({'banana banana'}, True)
    """

    def __init__(self, tokenizer: Tokenizer, *, drop: float, seed: int) -> None:
        assert tokenizer.config.level == "subword", "only subwords are merged"
        definition = tokenizer.to_files()["tokenizer.json"].decode()
        self._engine = tokenizers.Tokenizer.from_str(definition)
        self._ranks = {
            (left, right): rank for rank, (left, right) in enumerate(json.loads(definition)["model"]["merges"])
        }
        self._ids = {token: token_id for token_id, token in enumerate(tokenizer.tokens)}
        self._drop, self._seed = drop, seed
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        self._cuts: list[list[list[int] | None]] = []

    def words(self, lines: Sequence[str]) -> list[list[int]]:
        """The numbers of the words of each line, as ``draw`` takes them."""
        return [[self._number(word) for word in self._pretokens(line)] for line in lines]

    def draw(self, words: Sequence[int], rng: np.random.Generator) -> NDArray[np.int64]:
        """The ids of one line, its words cut at random."""
        ways = rng.integers(_WAYS, size=len(words)).tolist()
        return np.array(
            [token for word, way in zip(words, ways, strict=True) for token in self._cut(word, way)], np.int64
        )

    def _pretokens(self, line: str) -> list[str]:
        if not line:
            return []
        text = self._engine.normalizer.normalize_str(line) if self._engine.normalizer else line
        assert self._engine.pre_tokenizer is not None
        return [word for word, _ in self._engine.pre_tokenizer.pre_tokenize_str(text)]

    def _number(self, word: str) -> int:
        number = self._numbers.setdefault(word, len(self._words))
        if number == len(self._words):
            self._words.append(word)
            self._cuts.append([None] * _WAYS)
        return number

    def _cut(self, word: int, way: int) -> list[int]:
        found = self._cuts[word][way]
        if found is None:
            rng = random.Random(f"{self._seed} {way} {self._words[word]}")
            found = [self._ids[part] for part in merged(self._words[word], self._ranks, self._drop, rng)]
            self._cuts[word][way] = found
        return found


def merged(word: str, ranks: dict[tuple[str, str], int], drop: float, rng: random.Random) -> list[str]:
    """The parts of a word after all merges, each left out at random at each step.

    >>> merged("banana", {("a", "n"): 0, ("an", "a"): 1}, 0.0, random.Random(0))
    ['b', 'an', 'ana']
    """
    parts = list(word)
    while len(parts) > 1:
        best, where = len(ranks), -1
        for place in range(len(parts) - 1):
            rank = ranks.get((parts[place], parts[place + 1]))
            if rank is not None and rank < best and not (drop and rng.random() < drop):
                best, where = rank, place
        if where < 0:
            break
        parts[where : where + 2] = [parts[where] + parts[where + 1]]
    return parts
