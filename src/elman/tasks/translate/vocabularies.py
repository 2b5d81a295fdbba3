"""The vocabularies of source and target, and their files."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.pairs import Pairs
from elman.text.tokenizer import EOS_ID, Tokenizer
from elman.text.tokenizer_config import TokenizerConfig

_SOURCE = "source_"
"""Before the names of the files of a source's own vocabulary."""


@dataclasses.dataclass(frozen=True)
class Vocabularies:
    """The tokenizers of both sides; a joint one is the same for both.

    >>> config = TokenizerConfig(level="char", min_count=1)
    >>> both = Vocabularies.fit(Pairs(["ab"], ["bc"]), config, joint=True)
    >>> [ids.tolist() for ids in both.source_ids(["ab", ""])]  # each ends with `</s>`
    [[3, 2, 1], [1]]
    """

    source: Tokenizer
    target: Tokenizer
    reverse: bool = False
    """Whether sources are read from their end to their start."""

    @classmethod
    def fit(cls, pairs: Pairs, config: TokenizerConfig, *, joint: bool, reverse: bool = False) -> "Vocabularies":
        """Learn them from pairs."""
        if joint:
            both = Tokenizer.fit([*pairs.source, *pairs.target], config=config)
            return cls(both, both, reverse)
        return cls(Tokenizer.fit(pairs.source, config=config), Tokenizer.fit(pairs.target, config=config), reverse)

    def source_ids(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The tokens of sources as the encoder reads them, each ended by `</s>`."""
        return [self.read(ids) for ids in self.source.encode_lines(texts)]

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tokens of one source in the order in which the encoder reads them, and `</s>`."""
        return np.append(ids[::-1] if self.reverse else ids, EOS_ID)

    def to_files(self) -> dict[str, bytes]:
        """The contents of their files, by name."""
        files = self.target.to_files()
        if self.source is not self.target:
            files |= {_SOURCE + name: data for name, data in self.source.to_files().items()}
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, joint: bool, reverse: bool) -> "Vocabularies":
        """Rebuild from ``to_files``.

        Raises:
            FolderError: a file is missing or damaged.
        """
        target = Tokenizer.from_files(files)
        if joint:
            return cls(target, target, reverse)
        own = {name.removeprefix(_SOURCE): data for name, data in files.items() if name.startswith(_SOURCE)}
        return cls(Tokenizer.from_files(own), target, reverse)
