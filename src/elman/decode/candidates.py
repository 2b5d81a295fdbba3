"""How likely given words are as what comes next."""

from collections.abc import Sequence

import numpy as np

from elman.decode.opening import Opening, open_prompt, whole_words
from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompts import unknown_words
from elman.decode.rows import row_log_probs, row_score
from elman.decode.search import first_paths
from elman.decode.words import goes_on, runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.normalise import normalise_line
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer


def candidates(model: LanguageModel, speller: Speller, prompt: str, texts: Sequence[str]) -> list[tuple[str, float]]:
    """The probability of each given text as what comes next, in the given order; they are not normalised.

    The prompt's last word is taken as whole. A text is one or more words; its probability is that of its tokens
    in turn, given what was typed as in ``complete``, with or without a space before it, whichever can be (both
    are added). At word level that is all; at the other levels its last word must also end there. An unknown word
    counts P(`<unk>`) times the probability of its spelling.

    Raises:
        UsageError: a text that is empty or more than one line.
    """
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    opening = open_prompt(model, prompt, partial=False)
    _, given = first_paths(model, index, opening, floor=1.0)
    begin = len(tokenizer.encode(opening.context).ids)
    rows: list[TokenIds] = []
    words: list[str] = []
    weights: list[float] = []
    places: list[int] = []
    for place, text in enumerate(texts):
        word = normalise_line(text).strip()
        if not word or "\n" in word or "\r" in word:
            raise UsageError(f"a candidate is {text!r}; it must be one or more words on one line")
        for space in _spaces(tokenizer, opening, word):
            line = opening.context + space + word
            encoded = tokenizer.encode(line)
            unknown = [item for item in unknown_words(tokenizer, line, encoded) if item.place >= begin]
            rows.append(encoded.ids[begin:])
            words.append(word)
            weights.append(float(np.exp(-sum(speller.nats(item.surface) for item in unknown))))
            places.append(place)
    sums = [0.0] * len(texts)
    if given:
        chains = _chains(model, index, opening, rows, words)
        for place, weight, probability in zip(places, weights, chains, strict=True):
            sums[place] += weight * probability / given
    return list(zip(texts, sums, strict=True))


def _spaces(tokenizer: Tokenizer, opening: Opening, word: str) -> list[str]:
    """What may stand between the context and a word."""
    if opening.lead:
        return [" " if opening.context else ""]
    if opening.after is None:
        return [""]
    glued = not tokenizer.config.pretokenized and not goes_on(opening.after, word[0])
    return [" ", ""] if glued else [" "]


def _chains(
    model: LanguageModel, index: PieceIndex, opening: Opening, rows: Sequence[TokenIds], words: Sequence[str]
) -> list[float]:
    """P(each row of tokens in turn), times P(the word ends there) where a token is less than a word."""
    if not rows:
        return []
    scores, after = row_score(model, rows, opening.state.take([0] * len(rows)))
    chains = [float(np.exp(score.sum(dtype=np.float64))) for score in scores]
    if whole_words(model.tokenizer):
        return chains
    table = np.exp(row_log_probs(model, after).astype(np.float64))
    ends = [index.ending(runs(word)[-1][2]) for word in words]
    return [chain * float(table[row, ends[row]].sum()) for row, chain in enumerate(chains)]
