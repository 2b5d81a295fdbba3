"""Tokens that must not come next, so that a hidden word is never written.

Where a token is a word, or the piece of a word, tokens that are hidden words are left out. Where a
word is many tokens, a hidden word may be begun, for it may become another one (``ass``,
``assess``), but it must not end: no token may come that ends it, and none after which every way to
go on is hidden too (after ``dog*``, the last letter of ``dog``). What is written instead is a word
as likely as the model finds it among those allowed, letter by letter; stems read better than words.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from elman.decode.offers import Offers
from elman.decode.pieces import PieceIndex, piece_index, whole_part
from elman.decode.prefix import last_run
from elman.decode.prompt_state import whole_words
from elman.decode.secrets import LONG_CHAIN, count_digits, digits_before, in_address
from elman.decode.words import CharacterRun, finished
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID, Tokenizer

_NONE = np.empty(0, dtype=np.int64)
_WORDS = 1 << 12
"""Beginnings of words whose continuations are remembered."""


class Mask:
    """The tokens that ``offers`` forbids at a place in a text."""

    def __init__(self, tokenizer: Tokenizer, offers: Offers) -> None:
        self._tokenizer, self._offers = tokenizer, offers
        self._index: PieceIndex = piece_index(tokenizer)
        texts = [whole_part(self._index.body(token)) or "" for token in range(tokenizer.size)]
        # A piece that is a hidden word all by itself would hardly be gone on with.
        hidden = offers.closes if tokenizer.config.level in ("char", "byte") else offers.hides
        self.always = _ids(token for token in range(EOS_ID + 1, tokenizer.size) if hidden(texts[token]))
        """Tokens that must come nowhere."""
        self._last_words: dict[str, TokenIds] = {}
        if whole_words(tokenizer) and offers.block.phrases:
            for word in {phrase[-1] for phrase in offers.block.phrases}:
                same = (
                    token for token in range(EOS_ID + 1, tokenizer.size) if offers.block.is_same(texts[token], word)
                )
                self._last_words[word] = _ids(same)
        self._digits: NDArray[np.int64] = np.array([count_digits(text) for text in texts], dtype=np.int64)
        self._at = _ids(token for token, text in enumerate(texts) if text[:1] == "@" and not self._index.spaced[token])
        self._going_on = lru_cache(_WORDS)(self._hidden_if_longer)

    def banned(self, line: bytes, given: int) -> TokenIds:
        """The tokens that must not come after an open line, of which ``given`` bytes are the
        prompt's."""
        pending = _pending(line)
        text = line[: len(line) - len(pending)].decode("utf-8", "replace")
        start, run = last_run(self._tokenizer, text)
        before, word = text[:start], text[start:]
        found = [self.always]
        if word and run is not None:
            found.append(self._going_on(before if self._needs_before(word) else "", word, run, pending))
            if not whole_words(self._tokenizer) and len(line) > given and self._hides(word, before):
                # Neither what ends the word nor bytes of a character that may turn out to end it.
                found += [self._index.ending(run), self._index.partial, self._index.inside]
        for phrase in self._offers.block.phrases if self._last_words else ():
            if self._offers.block.hides(phrase[-1], before=text):
                found.append(self._last_words[phrase[-1]])
        if not self._offers.secrets:
            if text[-1:].isalnum():
                found.append(self._at)
            if in_address(text):
                found.append(self._index.glued_starts)
            before_digits = digits_before(text)
            if before_digits:
                found.append(np.flatnonzero((self._digits > 0) & (self._digits + before_digits >= LONG_CHAIN)))
        return np.unique(np.concatenate(found)) if len(found) > 1 else self.always

    def hidden_end(self, line: str, given: int) -> int:
        """How many characters at the end of an open line are a hidden word that the model wrote, at
        least in part; ``given`` characters are the prompt's."""
        start, run = last_run(self._tokenizer, line)
        written = run is not None and len(line) > given
        return len(line) - start if written and self._hides(line[start:], line[:start]) else 0

    def _hides(self, word: str, before: str) -> bool:
        return self._offers.hides(finished(word), before=before)

    def _needs_before(self, word: str) -> bool:
        return not self._offers.secrets and word.isnumeric()

    def _hidden_if_longer(self, before: str, word: str, run: CharacterRun, pending: bytes) -> TokenIds:
        """The tokens that go on with an open word and make a hidden one of it."""
        whole = whole_words(self._tokenizer)
        if not whole and not self._offers.may_close(word):
            return _NONE
        hidden = self._offers.hides if whole else self._offers.closes
        tokens = self._index.inside if pending else self._index.going_on(run)
        begun = word.encode() + pending
        longer = ((token, whole_part(begun + self._index.pieces[token])) for token in tokens.tolist())
        return _ids(token for token, text in longer if text and len(text) > len(word) and hidden(text, before=before))


def guarded(pieces: Iterator[str], mask: Mask, line: str) -> Iterator[str]:
    """Text without a hidden word at its very end; what may become one is held back.

    ``line`` is the open line of the prompt.
    """
    given, held = len(line), ""
    for piece in pieces:
        held, line = held + piece, line + piece
        if "\n" in piece:
            line, given = line.rpartition("\n")[2], 0
        keep = len(held) - min(mask.hidden_end(line, given), len(held))
        if keep:
            yield held[:keep]
        held = held[keep:]


def _pending(line: bytes) -> bytes:
    """The bytes of an unfinished character at the end of a line."""
    whole = whole_part(line[-4:].lstrip(bytes(range(0x80, 0xC0))))
    return b"" if whole is None else line[-4:].lstrip(bytes(range(0x80, 0xC0)))[len(whole.encode()) :]


def _ids(tokens: Iterator[int]) -> TokenIds:
    return np.fromiter(tokens, dtype=np.int64)
