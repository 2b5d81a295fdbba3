"""Tokenizers: lines of text to token ids and back, at four levels: word, subword, char, byte.

Tokens carry their own leading space: a space is put before each line, so that "The cat, the" is
`` The``, `` cat``, ``,``, `` the``; decoding drops it again. So every level is lossless on
normalised text, up to unknown types. What else can stand between words is told in
``word_types.py``. Token id 0 is `<unk>` and 1 is `</s>`, the line end, at every
level. Both are plain vocabulary entries: the same letters in raw text are ordinary text.

With ``direction="backward"`` the tokens of a line come from its last to its first, then its `</s>`.

Good:
    ids = [*tokenizer.encode(line).ids, EOS_ID]     # a line and its end
    tokenizer.decode(ids)                           # line + "\\n"
Bad:
    tokenizer.encode("one line\\nanother")           # a line end is `</s>`, never inside a line
    tokenizer.encode("The cat ").ids                # no trailing blanks: "The cat"

The file is tokenizer.json of the Hugging Face `tokenizers` library; other tools load it and get the
same ids (at word level, where single spaces stand between words).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tokenizers
from numpy.typing import NDArray

from elman.errors import FolderError, UsageError
from elman.notation import TokenIds
from elman.system.files import storage_errors, write_atomic
from elman.text.apostrophes import signs_by_type, with_signs
from elman.text.learning import RUN_CHARS, Tally, by_frequency, byte_pairs, characters, frequent_words, spaced_words
from elman.text.letter_case import lower
from elman.text.letter_ids import LetterIds
from elman.text.normalise import normalise_line
from elman.text.reading_order import reversed_lines
from elman.text.splitting import CUT_CHARS, batches, checked_line, cut
from elman.text.splitting import Level as Level
from elman.text.token_writer import EOS_ID as EOS_ID
from elman.text.token_writer import UNK_ID as UNK_ID
from elman.text.token_writer import Writer
from elman.text.tokenizer_config import TokenizerConfig
from elman.text.tokenizer_json import SPECIALS, Merges, byte_alphabet, compose, damaged, parse, pieces, vocabulary
from elman.text.word_splitter import WordSplitter, apostrophe_of
from elman.text.word_types import ALWAYS_KNOWN, JOIN, After, Spelling

if TYPE_CHECKING:
    from elman.text.word_ids import WordIds

_FILE, _CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"
_SUBWORD_SIZE = 8000


class Encoded(NamedTuple):
    """A line as tokens."""

    ids: TokenIds
    """Token ids, int64 ``[n]``."""
    spans: NDArray[np.int64]
    """The position of each token in the line, ``[n, 2]``: start and end in characters. Bytes of one
    character share its span; a token that is only the added space has an empty one."""
    signs: str = ""
    """The apostrophes of its known tokens as the line types them, where types have one for all."""


class Tokenizer:
    """Turns lines into token ids and back.

    >>> tokenizer = Tokenizer.fit(["the cat sat", "the cat"], config=TokenizerConfig(min_count=1))
    >>> tokenizer.tokens
    ['<unk>', '</s>', ' cat', ' the', ' sat']
    >>> tokenizer.encode("the dog sat").ids.tolist()
    [3, 0, 4]
    >>> tokenizer.decode([3, 2, 1, 3, 4])
    'the cat\\nthe sat'
    """

    config: TokenizerConfig
    size: int
    """How many types, V."""
    tokens: list[str]
    """The token strings by id, as in tokenizer.json."""
    pieces: list[bytes]
    """The bytes that each token adds to a text, by id: a line feed for `</s>`, U+FFFD for
    `<unk>`."""
    leading_space: bool
    """Whether each line gets a space put before it (word and subword level)."""

    def __init__(self, tokens: Sequence[str], *, config: TokenizerConfig, merges: Merges = ()) -> None:
        self.config = config
        self.tokens = list(tokens)
        self.size = len(self.tokens)
        self.leading_space = config.level in ("word", "subword")
        self.pieces = pieces(self.tokens, level=config.level, markers=config.parts_words)
        self._merges = list(merges)
        rules = config.rules if config.parts_words else 1
        self.spelling = Spelling(config.lowercase, config.locale, config.compatibility, config.apostrophe, rules)
        """How words are spelled in their types, from rules 2 on."""
        self.words: WordSplitter | None = None
        """What splits lines into words and what stands between them; None at other levels, under
        rules 1, and for pretokenized text."""
        self.join_id: int | None = None
        """The marker before a word that touches the token before it, where there is one."""
        if config.parts_words:
            ids = {token: token_id for token_id, token in enumerate(self.tokens)}
            self.words = WordSplitter(self.spelling, ids, unknown=UNK_ID)
            self.join_id = ids.get(JOIN)
        old_case = config.lowercase and config.rules == 1
        self._letters: LetterIds | None = None
        if config.level in ("char", "byte") and not old_case and not config.compatibility:
            self._letters = LetterIds(self.tokens if config.level == "char" else None)

    def __repr__(self) -> str:
        return f"Tokenizer(level={self.config.level!r}, size={self.size}, hash={self.hash!r})"

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the sha256 of its tokenizer.json; from rules 2 on, of its settings
        too."""
        settings = self.config.settings() if self.config.rules > 1 or self.config.is_backward else None
        return hashlib.sha256(self._file + (json.dumps(settings).encode() if settings else b"")).hexdigest()[:16]

    @cached_property
    def _engine(self) -> tokenizers.Tokenizer:
        # The space is added before calling the engine: with the library's own step, a token of only
        # that space would get the span of the first character.
        return tokenizers.Tokenizer.from_str(json.dumps(self._compose(prepend=False)))

    @classmethod
    def fit(cls, lines: Iterable[str], *, config: TokenizerConfig) -> "Tokenizer":
        """Learn the vocabulary in one streaming pass; the same lines always give the same
        tokenizer.

        Types come by falling count, ties by token string; at subword level first the 256 bytes,
        then the merges as they were learned; at byte level by value.
        """
        if config.counts_types:
            return cls.of_tally(cls(SPECIALS, config=config).tally(lines), config=config)
        if config.level == "word":
            return cls(SPECIALS, config=config).grow(lines)
        of_bytes = cls([*SPECIALS, *byte_alphabet()], config=config)
        if config.level == "byte":
            return of_bytes
        parts = (part for line in lines for _, part in of_bytes._parts(line, limit=RUN_CHARS // 4))
        size = config.vocab_size or _SUBWORD_SIZE
        tokens, merges = byte_pairs(parts, engine=of_bytes._engine, min_count=config.least_count, vocab_size=size)
        return cls(tokens, config=config, merges=merges)

    @classmethod
    def of_tally(cls, tally: Tally, *, config: TokenizerConfig) -> "Tokenizer":
        """As ``fit``, from the ``tally`` of a text by a tokenizer of the specials alone."""
        empty = cls(SPECIALS, config=config)
        if empty.words is None:
            return empty._with(tally)
        apostrophe, share = apostrophe_of(tally)
        settings = {"apostrophe": apostrophe, "apostrophe_share": share if config.rules > 2 else None}
        return cls([*SPECIALS, *ALWAYS_KNOWN], config=config.replace(**settings))._with(tally)

    def tally(self, lines: Iterable[str]) -> Tally:
        """Counts from which the vocabulary is built; they can be added up over parts of a text."""
        if self.words:
            return self.words.tally(map(checked_line, lines))
        parts = (part for line in lines for _, part in self._parts(line))
        return {"": characters(map(self._normalise, parts)) if self.config.level == "char" else spaced_words(parts)}

    def encode(self, line: str) -> Encoded:
        """The tokens of one line, without its `</s>`; unknown types have id UNK_ID.

        Raises:
            TextError: the line holds half of a surrogate pair, which is not Unicode text.
        """
        ids, spans, signs = self._encode(line)
        return Encoded(self.config.in_reading_order(ids), self.config.in_reading_order(spans), signs)

    def _encode(self, line: str) -> Encoded:  # in the order of the text
        if self.words:
            tokens = self.words.parts(checked_line(line))
            known = np.array([self.words.id_of(token.type) for token in tokens], dtype=np.int64)
            spans = np.array([(token.start, token.end) for token in tokens], dtype=np.int64)
            signs = signs_by_type((token.type for token in tokens), self.config.apostrophe, self.spelling.signs(line))
            return Encoded(known, spans.reshape(-1, 2), "".join(compress(signs, known != UNK_ID)))
        if self._letters:
            letters = self._letters.read(self.folded(line))
            return Encoded(letters, self._letters.spans(letters))
        ids, spans = [np.empty(0, dtype=np.int64)], [np.empty((0, 2), dtype=np.int64)]
        for start, part in self._parts(line):
            encoding = self._engine.encode(part, add_special_tokens=False)
            ids.append(np.array(encoding.ids, dtype=np.int64))
            spans.append(np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2) + start)
        bounds = np.maximum(np.concatenate(spans), 0)
        if self.config.pretokenized and len(bounds):
            # Repeated spaces belong to the token after them.
            bounds[0, 0], bounds[1:, 0] = 0, bounds[:-1, 1]
        return Encoded(np.concatenate(ids), bounds)

    def encode_lines(self, lines: Sequence[str]) -> list[TokenIds]:
        """The ids of many lines: the same as ``encode`` of each, several at once.

        Raises:
            TextError: a line holds half of a surrogate pair, which is not Unicode text.
        """
        return list(map(self.config.in_reading_order, self._encode_lines(lines)))

    def _encode_lines(self, lines: Sequence[str]) -> list[TokenIds]:  # in the order of the text
        if self.words:
            return self.words.lines(lines)
        if self._letters:
            return [self._letters.read(self.folded(line)) for line in lines]
        ids_of_parts = [[np.empty(0, dtype=np.int64)] for _ in lines]
        for batch in batches((row, part) for row, line in enumerate(lines) for _, part in self._parts(line)):
            encodings = self._engine.encode_batch_fast([part for _, part in batch], add_special_tokens=False)
            for (row, _), encoding in zip(batch, encodings, strict=True):
                ids_of_parts[row].append(np.array(encoding.ids, dtype=np.int64))
        return [parts[-1] if len(parts) < 3 else np.concatenate(parts) for parts in ids_of_parts]

    def encode_stream(self, lines: Sequence[str]) -> TokenIds:
        """The ids of all lines one after another, each ended by EOS_ID; an unknown word gives -1.

        So the type `<unk>` in pretokenized text differs from unknown words.
        """
        if self.words or self.config.by_spaces:
            ids = self.words.stream(lines) if self.words else self._word_ids.read(list(map(self.folded, lines)))
            return reversed_lines(ids) if self.config.is_backward else ids
        parts = []
        for line, ids in zip(lines, self.encode_lines(lines), strict=True):
            if (ids == UNK_ID).any():
                ids[ids == UNK_ID] = -1
                if self.config.pretokenized:
                    spans = self.encode(line).spans
                    written = [line[start:end].strip(" ").lower() == SPECIALS[UNK_ID] for start, end in spans.tolist()]
                    ids[np.array(written)] = UNK_ID
            parts += [ids, np.array([EOS_ID])]
        return np.concatenate([np.empty(0, np.int64), *parts])

    @cached_property
    def _word_ids(self) -> "WordIds":
        from elman.text.word_ids import WordIds

        # `<unk>` in the text is this type; `</s>` is an unknown word like any other.
        words = [piece[1:] for piece in self.pieces]
        words[UNK_ID], words[EOS_ID] = SPECIALS[UNK_ID].encode(), b"\n"
        return WordIds(words, end_id=EOS_ID)

    def decode(self, ids: Iterable[int] | Encoded) -> str:
        """The text of tokens from a line start on, with the apostrophes that ``encode`` kept;
        `</s>` becomes a line feed, invalid UTF-8 U+FFFD."""
        ids, signs = (ids.ids, ids.signs) if isinstance(ids, Encoded) else (ids, "")
        return with_signs(self.decode_bytes(ids).decode("utf-8", errors="replace"), self.config.apostrophe, signs)

    def decode_bytes(self, ids: Iterable[int], *, line_start: bool = True) -> bytes:
        """The bytes of tokens; with ``line_start``, the first one begins a line, and its space is
        dropped. For a stream, see ``writer``.
        """
        ids = reversed_lines(np.array([*ids], np.int64)) if self.config.is_backward else ids
        return b"".join(map(self.writer(line_start=line_start).write, ids))

    def writer(self, *, line_start: bool = True, after: str = "") -> Writer:
        """What writes tokens as bytes, one at a time.

        Args:
            line_start: whether the first one begins a line, or its space is written already.
            after: otherwise, the line before it.
        """
        return Writer(self, After.START if line_start else self.ends_after(after))

    def ends_after(self, line: str) -> After:
        """What the tokens of an open line leave for the next one."""
        return self.words.read(line)[1] if self.words and line else After.APART

    def normal_form(self, line: str) -> str:
        """A line of text as this tokenizer reads it (``text.normalise``)."""
        return normalise_line(line, pretokenized=self.config.pretokenized)

    def folded(self, line: str) -> str:
        """A line in the case of the types, of the same length; under rules 1 the line itself."""
        return lower(line, self.config.locale) if self.config.lowercase and self.config.rules > 1 else line

    def lowered(self, text: str) -> str:
        """A text in the case of the types, under every version of the rules."""
        if not self.config.lowercase:
            return text
        # Under rules 1 letter by letter: a sigma at a word's end is like any other.
        return self.folded(text) if self.config.rules > 1 else "".join(map(str.lower, text))

    def grow(self, lines: Iterable[str]) -> "Tokenizer":
        """This tokenizer with the types of more text added; old ids do not change.

        A new type needs ``min_count`` in the new text, and ``vocab_size`` must allow it. Subword
        and byte tokenizers can encode every text, so they are returned unchanged.
        """
        if self.config.level in ("subword", "byte"):
            return self
        if self.config.counts_types:
            return self._with(self.tally(lines))
        parts = (part for line in lines for _, part in self._parts(line))
        engine = Tokenizer(SPECIALS, config=self.config)._engine
        return self._grown(frequent_words(parts, engine=engine, min_count=self.config.least_count))

    def _with(self, tally: Tally) -> "Tokenizer":
        counts = self.words.types_of(tally) if self.words else tally[""]
        return self._grown(by_frequency(counts, min_count=self.config.least_count))

    def _grown(self, frequent: Sequence[str]) -> "Tokenizer":
        # In pretokenized text these words are the specials, never new types.
        known = {*self.tokens, *(() if self.words else (f" {special}" for special in SPECIALS))}
        new = [token for token in frequent if token not in known]
        if self.config.vocab_size is not None:
            new = new[: max(self.config.vocab_size - self.size, 0)]
        return Tokenizer([*self.tokens, *new], config=self.config) if new else self

    def to_files(self) -> dict[str, bytes]:
        """The contents of tokenizer.json and tokenizer_config.json, by name."""
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": SPECIALS[UNK_ID],
            "eos_token": SPECIALS[EOS_ID],
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
            "elman": {**self.config.settings(), "size": self.size},
        }
        return {_FILE: self._file, _CONFIG_FILE: (json.dumps(settings, indent=2) + "\n").encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Tokenizer":
        """Rebuild from ``to_files``.

        Raises:
            FolderError: a file is missing, damaged, or was not made by elman.
        """
        for name in (_FILE, _CONFIG_FILE):
            if name not in files:
                raise FolderError(f"{name} is missing; copy the model folder again, or train anew")
        settings = parse(files[_CONFIG_FILE], name=_CONFIG_FILE).get("elman")
        if not isinstance(settings, dict) or "size" not in settings:
            raise damaged(_CONFIG_FILE, "it has no elman settings with a size")
        size = settings.pop("size")
        try:
            config = TokenizerConfig.from_json(settings)
        except UsageError as error:
            raise damaged(_CONFIG_FILE, str(error)) from None
        definition = parse(files[_FILE], name=_FILE)
        tokens, merges = vocabulary(definition, level=config.level, name=_FILE)
        if len(tokens) != size:
            raise damaged(_FILE, f"it has {len(tokens)} types, and {_CONFIG_FILE} says {size!r}")
        tokenizer = cls(tokens, config=config, merges=merges)
        if tokenizer._compose() != definition:
            raise damaged(_FILE, f"it is not what elman writes for the settings in {_CONFIG_FILE}")
        return tokenizer

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json into a folder, which is created if
        missing.

        Raises:
            StorageError: the folder cannot be written.
        """
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.to_files().items():
            write_atomic(folder / name, data)

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """Read the files of ``save``.

        Raises:
            FolderError: a file is missing, damaged, or was not made by elman.
        """
        files = {}
        for name in (_FILE, _CONFIG_FILE):
            try:
                files[name] = (folder / name).read_bytes()
            except OSError as error:
                raise FolderError(f"cannot read {folder / name} ({error.strerror}); give a model folder") from None
        return cls.from_files(files)

    @cached_property
    def _file(self) -> bytes:
        return (json.dumps(self._compose(), ensure_ascii=False, indent=1) + "\n").encode()

    def _compose(self, *, prepend: bool = True) -> dict[str, Any]:
        names = ("level", "pretokenized", "lowercase", "locale", "compatibility", "rules")
        settings = {name: getattr(self.config, name) for name in names}
        return compose(self.tokens, self._merges, prepend=prepend, **settings)

    def _parts(self, line: str, *, limit: int = CUT_CHARS) -> Iterator[tuple[int, str]]:
        """The parts of a line for the engine, with their offsets in the line."""
        before = int(self.leading_space and line != "")
        text = " " * before + self.folded(checked_line(line))
        parts = cut(text, level=self.config.level, pretokenized=self.config.pretokenized, limit=limit)
        return ((start - before, part) for start, part in parts)

    def _normalise(self, text: str) -> str:
        return self._engine.normalizer.normalize_str(text) if self._engine.normalizer else text
