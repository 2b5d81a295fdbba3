"""From sources to training data: corpus, tokenizer, speller and token stores, cached by content."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from elman.config import Config
from elman.data.level_choice import level_of_text
from elman.data.store import TokenStore, build_store, named_stretches
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress
from elman.system.cluster import ALONE, Advance, Workers
from elman.text.corpus import Corpus, CorpusConfig, Text, prepare
from elman.text.learning import Tally, add_tally
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES
from elman.text.tokenizer_json import SPECIALS


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """How text is cut into documents and tokens."""

    level: Literal["auto", "word", "subword", "char", "byte"] = "auto"
    """The unit of a token; auto: words, unless a quick count says that others suit the text."""
    pretokenized: bool = False
    """Split on single spaces only (Penn Treebank, WikiText)."""
    lowercase: bool = False
    """Lower-case everything; the signature says so."""
    locale: Literal["tr", "az"] | None = None
    """The language whose lower case differs: tr or az, for the i of Turkish and Azeri."""
    compatibility: bool = False
    """Read full-width letters, ligatures and other compatible forms as the plain ones (NFKC)."""
    direction: Literal["forward", "backward"] = "forward"
    """Backward: a model that reads each line from its end to its start, for --task tag --from."""
    min_count: int | None = None
    """Words and characters seen less often become <unk>; default 2, with --pretokenized 1."""
    vocab_size: int | None = None
    """At most this many types; the rarest become <unk>."""
    document: Literal["file", "line", "block"] = "file"
    """What a document is: a file, a line, or a block between blank lines."""
    encoding: str = "utf-8"
    """Encoding of the text files."""
    field: str | None = None
    """The field that holds the text in .jsonl, .csv and .tsv files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretokenized and self.level not in ("auto", "word"):
            raise UsageError(f"--pretokenized splits on spaces, so it goes with --level word, not {self.level}")

    @property
    def corpus(self) -> CorpusConfig:
        """The settings for reading."""
        return CorpusConfig(
            document=self.document, encoding=self.encoding, field=self.field, pretokenized=self.pretokenized
        )

    def tokenizer(self, text: Text, *, progress: Progress | None = None) -> TokenizerConfig:
        """The settings of the tokenizer; ``text`` decides what ``auto`` means."""
        level = self.level
        if level == "auto":
            words = self.pretokenized
            level = "word" if words else level_of_text(text, lowercase=self.lowercase, progress=progress)
        return TokenizerConfig(
            level=level,
            pretokenized=self.pretokenized,
            lowercase=self.lowercase,
            locale=self.locale,
            compatibility=self.compatibility,
            direction=self.direction,
            rules=RULES,
            min_count=self.min_count,
            vocab_size=self.vocab_size,
        )


@dataclasses.dataclass(frozen=True)
class Data:
    """A tokenized corpus, ready for training."""

    corpus: Corpus
    tokenizer: Tokenizer
    speller: Speller
    train: TokenStore
    valid: TokenStore


def prepare_data(
    sources: Sequence[str],
    *,
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
    prepared: str | None = None,
    config: DataConfig,
    cache: Path,
    tokenizer: Tokenizer | None = None,
    speller: Speller | None = None,
    grow: bool = True,
    progress: Progress,
    workers: Workers = ALONE,
    before: Callable[[Text, TokenizerConfig], None] = lambda text, config: None,
) -> Data:
    """Read, split and tokenize.

    Args:
        sources: files, folders, globs, ``-`` or ``builtin:NAME``; likewise ``valid`` and ``test``.
        prepared: hash of an earlier prepared corpus, for sources that can be read only once
            (stdin).
        tokenizer: the tokenizer of a model to continue.
        speller: its speller, kept.
        grow: whether to add new types of the text to that tokenizer, if its level allows.
        workers: who share the counting of types and the tokenizing; the result is the same.
        before: called with the training text and the settings of its tokenizer before the long
            work.

    Raises:
        TextError: anything wrong with the text.
    """
    texts = cache / "texts"
    if prepared is None:
        corpus = prepare(sources, valid=valid, test=test, config=config.corpus, folder=texts, progress=progress)
    else:
        corpus = _prepared(texts / prepared)
    assert corpus.valid is not None
    if tokenizer is None:
        wanted = config.tokenizer(corpus.train, progress=progress)
        before(corpus.train, wanted)
        with progress.stage("counting types", total=corpus.train.bytes, unit="bytes") as advance:
            tokenizer = _fitted(corpus.train, wanted, workers, advance)
    elif grow:
        tokenizer = tokenizer.grow(line for line, _ in corpus.train)
    stores = cache / "tokens"
    train = build_store(corpus.train, tokenizer, folder=stores, progress=progress, collect_oov=True, workers=workers)
    if speller is None:
        speller = Speller.fit(train.oov_strings or {token: 1 for token in tokenizer.tokens[2:]})
    held_out = build_store(corpus.valid, tokenizer, folder=stores, progress=progress, collect_oov=True)
    return Data(corpus, tokenizer, speller, train, held_out)


def _prepared(folder: Path) -> Corpus:
    try:
        return Corpus.open(folder)
    except FolderError as error:
        raise TextError(
            f"the text came from stdin and is no longer in the cache ({folder}); train again, or set ELMAN_CACHE "
            "as it was before"
        ) from error


def cache_bytes(cache: Path) -> int:
    """Size of the cache folder in bytes."""
    return sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) if cache.exists() else 0


def _fitted(text: Text, config: TokenizerConfig, workers: Workers, advance: Advance) -> Tokenizer:
    if not config.counts_types:
        return Tokenizer.fit(_lines(text, advance), config=config)
    total: Tally = {}
    for _, tally in workers.results(partial(_tally, text=text, config=config), named_stretches(text), advance=advance):
        add_tally(total, tally)
    return Tokenizer.of_tally(total, config=config)


def _tally(stretch: tuple[int, int], advance: Advance, *, text: Text, config: TokenizerConfig) -> Tally:
    lines = _lines(text.lines_of(*stretch), advance)
    return Tokenizer(SPECIALS, config=config).tally(lines)


def _lines(text: Iterable[tuple[str, bool]], advance: Advance) -> Iterator[str]:
    for line, _ in text:
        advance(len(line.encode()) + 1)
        yield line
