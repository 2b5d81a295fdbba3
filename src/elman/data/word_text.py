"""A text as a stream of word ids: read once, counted, and kept on disk for training.

The file ``words.bin`` holds, after the number of all words as little-endian int64, the rows of the
words that are in the vocabulary as int32, and -1 where a sentence ends. Other words are left out
before windows are laid, as word2vec does it. Memory holds the words, not the text.
"""

import dataclasses
import hashlib
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import tokenizers
from numpy.typing import NDArray

from elman.config import Config
from elman.data.phrases import JOINT, find_phrases, joined
from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress, counted
from elman.system.files import storage_errors, write_array
from elman.text.corpus import CorpusConfig, read_lines
from elman.text.normalise import normalise_line, split_lines
from elman.text.splitting import WORD_PATTERN

SENTENCE_END = -1
_LEFT_OUT = -2
_END = "\n"
"""Stands for a sentence end among words, none of which has a line end."""
_FIRST_PASS, _FILE = "words.part", "words.bin"
_BATCH = 1 << 20
_MOST_WORDS = 8_000_000
"""When more different words are being counted, the rarest are dropped."""
_PHRASE_THRESHOLD = 10.0
_ASCII_WORDS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|[0-9]+")
_PIECES = tokenizers.pre_tokenizers.Split(tokenizers.Regex(WORD_PATTERN), "isolated")


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordsConfig(Config):
    """How text is cut into sentences and words."""

    pretokenized: bool = False
    """Split at spaces only, and keep symbols; otherwise words are letters or digits."""
    lowercase: bool = True
    """Whether case is ignored."""
    min_count: int = 5
    """Words seen less often are left out."""
    vocab_size: int | None = None
    """At most this many words, the most frequent ones."""
    phrases: bool = False
    """Join pairs of words that belong together: new york becomes new_york."""
    phrase_threshold: float | None = None
    """The score above which a pair is joined (default 10)."""
    document: Literal["file", "line", "block"] = "block"
    """What a sentence is, which no window crosses: a line, a block between blank lines, or a
    file."""
    encoding: str = "utf-8"
    """Encoding of the text files."""
    field: str | None = None
    """The field that holds the text in .jsonl, .csv and .tsv files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("min_count", 1 <= self.min_count < 1 << 62, "at least 1")
        if self.vocab_size is not None and not 2 <= self.vocab_size < 1 << 31:
            raise UsageError.of("vocab_size", self.vocab_size, "at least 2 and below 2^31")

        if self.phrase_threshold is not None and not self.phrases:
            raise UsageError(
                "phrase_threshold does not apply without phrases; add --phrases, or leave it out",
                field="phrase_threshold",
            )
        if self.phrase_threshold is not None and not 0 <= self.phrase_threshold < float("inf"):
            raise UsageError.of("phrase_threshold", self.phrase_threshold, "0 or more")

    @property
    def corpus(self) -> CorpusConfig:
        """The settings for reading."""
        return CorpusConfig(
            document=self.document, encoding=self.encoding, field=self.field, pretokenized=self.pretokenized
        )


@dataclasses.dataclass(frozen=True)
class WordText:
    """Word ids on disk."""

    ids: NDArray[np.int32]
    """Rows of the vocabulary, SENTENCE_END behind each sentence, memory-mapped ``[N]``."""
    vocabulary: Vocabulary
    """The words that are in it."""
    words: int
    """How many of the ids are words."""
    read: int
    """How many words the text has, with those that are left out; a phrase is one."""
    hash: str
    """16 hex digits of the hash of ids and words."""

    @classmethod
    def open(cls, folder: Path, vocabulary: Vocabulary, *, data_hash: str) -> "WordText":
        """The text that ``read_words`` left in a folder.

        Raises:
            FolderError: it is missing or damaged.
        """
        file = folder / _FILE
        if not file.is_file() or file.stat().st_size < 8 or _hash(file, vocabulary) != data_hash:
            raise FolderError(f"{file} is missing or damaged; remove the folder and train again")
        read = int(np.fromfile(file, "<i8", 1)[0])
        ids = np.memmap(file, dtype="<i4", mode="r", offset=8).view(np.ndarray)
        if ids.min() < SENTENCE_END or ids.max() >= len(vocabulary):
            raise FolderError(f"{file} is damaged; remove the folder and train again")
        return cls(ids, vocabulary, int((ids >= 0).sum()), read, data_hash)

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove the file, once training has finished."""
        (folder / _FILE).unlink(missing_ok=True)


def split_words(line: str, *, pretokenized: bool = False, lowercase: bool = True) -> list[str]:
    """The words of a normalised line.

    >>> split_words("Don't stop (the 2nd time)!")
    ["don't", 'stop', 'the', '2', 'nd', 'time']
    >>> split_words("Hi , U.S. !", pretokenized=True)
    ['hi', ',', 'u.s.', '!']
    """
    if lowercase:
        line = line.lower() if line.isascii() else unicodedata.normalize("NFC", line.lower())
    if pretokenized:
        return line.split(" ") if "  " not in line else [word for word in line.split(" ") if word]
    if line.isascii():
        return _ASCII_WORDS.findall(line)
    pieces = (piece.strip() for piece, _ in _PIECES.pre_tokenize_str(line))
    return [piece for piece in pieces if piece and piece[0].isalnum()]


def words_of(text: str, *, pretokenized: bool = False, lowercase: bool = True) -> list[str]:
    """The words of a text of several lines."""
    lines = map(normalise_line, split_lines(text))
    return [word for line in lines for word in split_words(line, pretokenized=pretokenized, lowercase=lowercase)]


def word_spans(line: str, *, lowercase: bool = True) -> list[tuple[str, int, int]]:
    """The words of a normalised line as ``split_words`` gives them, with their first character and
    the one after.

    >>> word_spans("Don't stop!")
    [("don't", 0, 5), ('stop', 6, 10)]
    """
    if line.isascii():
        found = [(match.group(), *match.span()) for match in _ASCII_WORDS.finditer(line)]
    else:
        found = [
            (piece.strip(), end - len(piece.lstrip()), end - len(piece) + len(piece.rstrip()))
            for piece, (_, end) in _PIECES.pre_tokenize_str(line)
            if piece.strip()[:1].isalnum()
        ]
    return [(unicodedata.normalize("NFC", word.lower()), start, end) if lowercase else (word, start, end)
            for word, start, end in found]  # fmt: skip


def read_words(
    sources: Sequence[str], *, config: WordsConfig, folder: Path, progress: Progress, most_words: int = _MOST_WORDS
) -> WordText:
    """Read sources once, choose the vocabulary, write the ids into ``folder``.

    Args:
        most_words: when more different words are being counted, the rarest are dropped.

    Raises:
        TextError: the text cannot be read, or no two words are frequent enough.
        StorageError: the disk is full.
    """
    first, file = folder / _FIRST_PASS, folder / _FILE
    try:
        table, counts = _count(sources, config, first, most_words=most_words, progress=progress)
        if config.phrases:
            counts = _join_phrases(first, table, counts, config, progress)
        read = int(counts[1:].sum())
        frequent = [(word, int(counts[number])) for word, number in table.items() if number]
        frequent = sorted(
            (each for each in frequent if each[1] >= config.min_count), key=lambda each: (-each[1], each[0])
        )
        vocabulary = Vocabulary(*zip(*frequent[: config.vocab_size], strict=True)) if frequent else Vocabulary((), ())
        if len(vocabulary) < 2:
            raise TextError(
                f"of {read:,} words, {len(vocabulary)} occur {config.min_count} times or more, and vectors need two; "
                "add text, or give a smaller --min-count"
            )
        rows = np.full(len(counts), _LEFT_OUT, np.int32)
        rows[0] = SENTENCE_END
        for row, word in enumerate(vocabulary.words):
            rows[table[word]] = row
        _translate(first, file, rows, read)
    finally:
        first.unlink(missing_ok=True)
    return WordText.open(folder, vocabulary, data_hash=_hash(file, vocabulary))


def _count(
    sources: Sequence[str], config: WordsConfig, file: Path, *, most_words: int, progress: Progress
) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Number words as they come, sentence ends being 0, write the numbers, count them."""
    numbers = itertools.count()
    table: defaultdict[str, int] = defaultdict(numbers.__next__, {_END: next(numbers)})
    counts, rare = np.zeros(1, np.int64), 0
    with storage_errors(file), open(file, "wb") as opened:
        for batch in _batches(sources, config, progress):
            ids = np.fromiter(map(table.__getitem__, batch), np.int64, len(batch))
            found = np.bincount(ids, minlength=len(counts))
            found[: len(counts)] += counts
            counts = found
            write_array(opened, ids.astype("<i4"))
            while len(table) > most_words:
                # A dropped word that comes again gets a new number and begins again at one.
                rare += 1
                kept = {word: number for word, number in table.items() if counts[number] > rare or not number}
                table.clear()
                table.update(kept)
    if rare:
        progress.say(f"note: more than {most_words:,} different words; those seen {rare} times or less were dropped")
    return table, counts


def _join_phrases(
    file: Path, table: dict[str, int], counts: NDArray[np.int64], config: WordsConfig, progress: Progress
) -> NDArray[np.int64]:
    """Join the phrases in a file of numbers, add them to the table; returns the new counts."""
    threshold = _PHRASE_THRESHOLD if config.phrase_threshold is None else config.phrase_threshold
    ids = np.memmap(file, dtype="<i4", mode="r").view(np.ndarray)
    phrases = find_phrases(ids, counts, end=table[_END], min_count=config.min_count, threshold=threshold)
    words = {number: word for word, number in table.items()}
    # Words that were dropped while counting are in no phrase.
    kept = [first in words and second in words for first, second in phrases.pairs()]
    phrases = phrases._replace(keys=phrases.keys[kept])
    names = [words[first] + JOINT + words[second] for first, second in phrases.pairs()]
    progress.say(
        f"phrases: {counted(len(names), 'pair')} of words" + (f", such as {', '.join(names[:3])}" if names else "")
    )
    if not names:
        return counts
    numbers = itertools.count(len(counts))
    new = np.array([table[name] if name in table else table.setdefault(name, next(numbers)) for name in names], "<i4")
    counts, target = np.zeros(next(numbers), np.int64), file.with_suffix(".joined")
    try:
        with storage_errors(target), open(target, "wb") as written:
            for part in joined(ids, phrases, new):
                counts += np.bincount(part, minlength=len(counts))
                write_array(written, part.astype("<i4"))
        del ids
        target.replace(file)
    finally:
        target.unlink(missing_ok=True)
    return counts


def _batches(sources: Sequence[str], config: WordsConfig, progress: Progress) -> Iterator[list[str]]:
    """Words of many lines, with a mark where a sentence ends."""
    batch: list[str] = []
    for line, starts in read_lines(sources, config=config.corpus, progress=progress):
        if starts and batch:
            batch.append(_END)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
        batch += split_words(line, pretokenized=config.pretokenized, lowercase=config.lowercase)
    yield [*batch, _END]


def _translate(source: Path, target: Path, rows: NDArray[np.int32], read: int) -> None:
    with storage_errors(target), open(source, "rb") as numbered, open(target, "wb") as written:
        write_array(written, np.array([read], "<i8"))
        while len(numbers := np.fromfile(numbered, "<i4", _BATCH)):
            ids = rows[numbers]
            write_array(written, ids[ids != _LEFT_OUT].astype("<i4"))


def _hash(file: Path, vocabulary: Vocabulary) -> str:
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    digest.update(vocabulary.to_bytes())
    return digest.hexdigest()[:16]
