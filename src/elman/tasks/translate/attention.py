"""Where a translator looks in a source while it writes a given target, word by word."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.pairs import Pairs
from elman.errors import UsageError
from elman.evaluation.alignments import Links, attention_links, pharaoh, word_attention, words_of_pieces

if TYPE_CHECKING:
    from elman.tasks.translate.model import Translator

_AT_ONCE = 64
_DIGITS = 4


@dataclasses.dataclass(frozen=True)
class Attention:
    """A pair of texts, and how much each word of the target looked at each word of the source.

    >>> print(Attention(("ein", "Haus"), ("a", "house"), np.array([[0.9, 0.1], [0.0, 0.3]])))
    a      ein 0.90
    house  Haus 0.30 (the end of the text 0.70)
    """

    source: tuple[str, ...]
    """What stands between blanks."""
    target: tuple[str, ...]
    weights: NDArray[np.float64]
    """``[T, S]``, from 0 to 1; a row may sum to less, for a decoder also looks at the end of the
    source."""

    @property
    def links(self) -> Links:
        """Each word of the target with the word of the source that it looked at most."""
        return attention_links(self.weights)

    def to_json(self) -> dict[str, Any]:
        """Words, weights, and the alignment in the Pharaoh format."""
        rounded = self.weights.round(_DIGITS).tolist()
        about = {"source": list(self.source), "target": list(self.target), "attention": rounded}
        return {**about, "alignment": pharaoh(self.links)}

    def __str__(self) -> str:
        """A line for each word of the target, with the word that it looked at most; the end, if
        even more."""
        width = max(map(len, self.target), default=0)
        lines = []
        for source, target in self.links:
            most, end = self.weights[target, source], 1 - self.weights[target].sum()
            line = f"{self.target[target]:{width}}  {self.source[source]} {most:.2f}"
            lines.append(f"{line} (the end of the text {end:.2f})" if end > most else line)
        return "\n".join(lines)


def attended(model: "Translator", pairs: Pairs, *, pieces: bool = False) -> Iterator[Attention]:
    """The attention of a model on pairs, the target being given.

    Args:
        pieces: of tokens instead of words.

    Raises:
        UsageError: the model has no attention.
    """
    if not model.config.attends:
        raise UsageError("this translator has no attention (it was trained with --attention none); train one that has")
    source, target = model.vocabularies.source, model.vocabularies.target
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs.take(range(start, min(start + _AT_ONCE, len(pairs))))
        encoded = [target.encode(text) for text in some.target]
        weights = model.reading(some.source).attention([each.ids for each in encoded])
        for (one, other), written, table in zip(some, encoded, weights, strict=True):
            # The last token of a source is its end.
            spans, table = source.encode(one).spans, table[:, :-1]
            if model.vocabularies.reverse:
                table = table[:, ::-1]
            if pieces:
                yield Attention(_texts(one, spans), _texts(other, written.spans), table.astype(np.float64))
            else:
                own = words_of_pieces(one, spans), words_of_pieces(other, written.spans)
                yield Attention(tuple(one.split()), tuple(other.split()), word_attention(table, *own))


def _texts(text: str, spans: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in spans.tolist())
