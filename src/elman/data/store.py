"""Tokens on disk for training and counting: written once in a streaming pass, then memory-mapped.

    ids.bin             token ids, little-endian uint16, or uint32 when V is above 65,536
    documents.bin       document starts, int64, and last the number of tokens
    oov.json            the out-of-vocabulary strings with their counts, if they were asked for
    elman-tokens.json   what the files above hold, with a digest

A store is a cache named by its text and tokenizer; a damaged one is rebuilt.
"""

import dataclasses
import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import unknown_tokens
from elman.data.spelling_costs import total_sign_nats
from elman.errors import FolderError
from elman.progress import Progress
from elman.system.cluster import ALONE, Advance, Workers
from elman.system.staging import publish, staging_folder
from elman.text.corpus import Text
from elman.text.speller import Speller
from elman.text.splitting import cut
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

_MANIFEST, _IDS, _DOCUMENTS, _OOV = "elman-tokens.json", "ids.bin", "documents.bin", "oov.json"
_FORMAT = 1
_BATCH_CHARS = 1 << 20
_MOST_STRINGS = 200_000


@dataclasses.dataclass(frozen=True, eq=False)
class TokenStore:
    """The tokens of a text: for each line its ids, then EOS_ID."""

    folder: Path
    """The folder of its files."""
    hash: str
    """16 hex digits of the hash of text and tokenizer."""
    ids: NDArray[Any]
    """Token ids, uint16 or uint32 ``[N]``, memory-mapped and read-only."""
    documents: NDArray[np.int64]
    """Document starts in ``ids``, rising from 0, and N last: int64 ``[D + 1]``, memory-mapped."""
    bytes: int
    """UTF-8 bytes of the text, line ends included."""
    chars: int
    """Unicode characters, line ends included."""
    lines: int
    """Lines, each with one EOS_ID."""
    oov: int
    """Tokens that are not in the vocabulary."""
    oov_strings: dict[str, int] | None
    """Their counts, for the first 200,000 different strings; None if not collected."""
    sign_nats: float
    """What the signs of apostrophes cost (nats)."""

    @classmethod
    def open(cls, folder: Path, *, verify: bool = False) -> "TokenStore":
        """Open the folder of a store (``TokenStore.folder``); ``verify`` reads everything to
        compare the digest.

        Raises:
            FolderError: it is missing or incomplete.
        """
        try:
            manifest = json.loads((folder / _MANIFEST).read_bytes())
            oov_file = folder / _OOV
            store = cls(
                folder=folder,
                hash=manifest["hash"],
                ids=_mapped(folder / _IDS, manifest["dtype"], manifest["tokens"]),
                documents=_mapped(folder / _DOCUMENTS, "<i8", manifest["documents"] + 1),
                oov_strings=json.loads(oov_file.read_bytes()) if manifest["oov_collected"] else None,
                sign_nats=float(manifest.get("sign_nats", 0.0)),
                **{name: int(manifest[name]) for name in ("bytes", "chars", "lines", "oov")},
            )
            if manifest["format"] != _FORMAT or (verify and manifest["digest"] != _digest(folder)):
                raise ValueError("another format or digest")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FolderError(f"{folder}: no token store, or damaged; prepare the text again") from error
        return store

    def spelling_nats(self, speller: Speller) -> float:
        """What spelling all out-of-vocabulary tokens and the signs of apostrophes costs (nats).

        Strings beyond the 200,000 kept ones are estimated by their average.
        """
        assert self.oov_strings is not None, "the strings were not collected: build_store(..., collect_oov=True)"
        kept = sum(self.oov_strings.values())
        words = sum(count * speller.nats(string) for string, count in self.oov_strings.items())
        return words * self.oov / max(kept, 1) + self.sign_nats


def build_store(
    text: Text,
    tokenizer: Tokenizer,
    *,
    folder: Path,
    collect_oov: bool = False,
    progress: Progress | None = None,
    workers: Workers = ALONE,
) -> TokenStore:
    """Tokenize a text into a subfolder of ``folder`` named by text and tokenizer, or reuse it.

    Args:
        folder: a cache for any number of stores.
        collect_oov: keep the out-of-vocabulary strings with their counts as well.
        workers: who share the work; the result is the same.

    Raises:
        StorageError: the disk is full, or ``folder`` is not writable.
    """
    key = f"{_FORMAT} {text.sha256} {tokenizer.hash} {collect_oov}"
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    target = folder / name
    try:
        return TokenStore.open(target, verify=True)
    except FolderError:
        shutil.rmtree(target, ignore_errors=True)
    with staging_folder(folder) as staging, staging_folder(folder) as parts:
        with (progress or Progress()).stage("tokenizing", total=text.chars, unit="characters") as advance:
            found = _tokenize(text, tokenizer, parts, collect_oov, workers, advance)
            facts = _join(found, staging, dtype=_dtype(tokenizer), collect_oov=collect_oov)
        facts |= {"bytes": text.bytes, "chars": text.chars, "lines": text.lines}
        manifest = {"format": _FORMAT, "hash": name, **facts, "digest": _digest(staging)}
        (staging / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        publish(staging, target)
    return TokenStore.open(target)


class _Part(NamedTuple):
    """The tokens of a stretch of text, in the files of a store."""

    folder: Path
    tokens: int
    oov: int
    sign_nats: float


def _tokenize(
    text: Text, tokenizer: Tokenizer, folder: Path, collect_oov: bool, workers: Workers, advance: Advance
) -> list[_Part]:
    given: Tokenizer | Path = tokenizer
    if workers.are_others:
        given = folder / "tokenizer"
        tokenizer.save(given)
    task = partial(_write, text=text, tokenizer=given, folder=folder, collect_oov=collect_oov)
    stretches = named_stretches(text)
    parts = dict(workers.results(task, stretches, advance=advance))
    return [parts[name] for name in stretches]


def named_stretches(text: Text) -> dict[str, tuple[int, int]]:
    """The stretches of a text by the names that messages call them."""
    return {
        f"the stretch of {text.path.name} at bytes {first:,} to {stop:,}": (first, stop)
        for first, stop in text.stretches()
    }


_loaded = lru_cache(maxsize=2)(Tokenizer.load)


def _dtype(tokenizer: Tokenizer) -> str:
    return "<u2" if tokenizer.size <= 1 << 16 else "<u4"


def _write(
    stretch: tuple[int, int],
    advance: Advance,
    *,
    text: Text,
    tokenizer: Tokenizer | Path,
    folder: Path,
    collect_oov: bool,
) -> _Part:
    """Write the tokens of a stretch into a new folder in ``folder``."""
    tokenizer = tokenizer if isinstance(tokenizer, Tokenizer) else _loaded(tokenizer)
    own = Path(tempfile.mkdtemp(dir=folder))
    tokens = oov = 0
    nats = 0.0
    strings: dict[str, int] = {}
    with open(own / _IDS, "wb") as ids_file, open(own / _DOCUMENTS, "wb") as documents_file:
        for lines, starts, ends in _batches(text.lines_of(*stretch), tokenizer):
            ids = tokenizer.encode_stream(lines)
            strangers = np.flatnonzero(ids < 0)
            ids[strangers] = UNK_ID
            bounds = np.flatnonzero(ids == EOS_ID)
            rows: list[int] = np.unique(np.searchsorted(bounds, strangers)).tolist()
            # Parts of a line have no line end but the last one.
            inner = bounds[~np.array(ends)]
            begins = np.concatenate([[0], bounds[:-1] + 1])[np.array(starts)]
            first = begins - np.searchsorted(inner, begins) + tokens
            ids = np.delete(ids, inner) if len(inner) else ids
            ids_file.write(ids.astype(_dtype(tokenizer)).tobytes())
            documents_file.write(first.astype("<i8").tobytes())
            for string in _unknown(tokenizer, [lines[row] for row in rows]):
                oov += 1
                if collect_oov:
                    _add(strings, string, 1)
            tokens += len(ids)
            nats += total_sign_nats(tokenizer, "\n".join(lines))
            advance(sum(map(len, lines)) + len(lines))
    if collect_oov:
        (own / _OOV).write_text(json.dumps(strings, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return _Part(own, tokens, oov, nats)


def _join(parts: list[_Part], folder: Path, *, dtype: str, collect_oov: bool) -> dict[str, Any]:
    """One store of all parts, which are removed."""
    tokens = documents = 0
    strings: dict[str, int] = {}
    with open(folder / _IDS, "wb") as ids_file, open(folder / _DOCUMENTS, "wb") as documents_file:
        for part in parts:
            with open(part.folder / _IDS, "rb") as file:
                shutil.copyfileobj(file, ids_file, _BATCH_CHARS)
            first = np.fromfile(part.folder / _DOCUMENTS, "<i8") + tokens
            documents_file.write(first.astype("<i8").tobytes())
            if collect_oov:
                for string, count in json.loads((part.folder / _OOV).read_bytes()).items():
                    _add(strings, string, count)
            tokens, documents = tokens + part.tokens, documents + len(first)
            shutil.rmtree(part.folder)
        documents_file.write(np.array([tokens], dtype="<i8").tobytes())
    if collect_oov:
        (folder / _OOV).write_text(json.dumps(strings, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    sums = {"oov": sum(part.oov for part in parts), "sign_nats": math.fsum(part.sign_nats for part in parts)}
    return {"dtype": dtype, "tokens": tokens, "documents": documents, "oov_collected": collect_oov, **sums}


def _add(strings: dict[str, int], string: str, count: int) -> None:
    if string in strings or len(strings) < _MOST_STRINGS:
        strings[string] = strings.get(string, 0) + count


def _unknown(tokenizer: Tokenizer, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield from (unknown.spelled for unknown in unknown_tokens(tokenizer, line, tokenizer.encode(line)))


def _batches(
    text: Iterable[tuple[str, bool]], tokenizer: Tokenizer
) -> Iterator[tuple[list[str], list[bool], list[bool]]]:
    """Lines or parts of long lines; whether each starts a document, and whether its line ends."""
    lines: list[str] = []
    starts: list[bool] = []
    ends: list[bool] = []
    chars = 0
    for line, begins in text:
        for part, first, last in _parts(line, tokenizer):
            lines.append(part)
            starts.append(begins and first)
            ends.append(last)
            chars += len(part) + 1
            if chars >= _BATCH_CHARS:
                yield lines, starts, ends
                lines, starts, ends, chars = [], [], [], 0
    if lines:
        yield lines, starts, ends


def _parts(line: str, tokenizer: Tokenizer) -> Iterator[tuple[str, bool, bool]]:
    """A line in parts whose tokens are those of the line; whether each is the first and the
    last.
    """
    if len(line) <= _BATCH_CHARS:
        yield line, True, True
        return
    # Between words the tokenizer puts a space before each part, so that its own is left out.
    space = " " if tokenizer.leading_space else ""
    parts = list(cut(line, level=tokenizer.config.level, pretokenized=True, limit=_BATCH_CHARS))
    for at, (start, part) in enumerate(tokenizer.config.in_reading_order(parts)):
        yield (part.removeprefix(space) if start else part), at == 0, at == len(parts) - 1


def _mapped(path: Path, dtype: str, count: int) -> NDArray[Any]:
    if path.stat().st_size != count * np.dtype(dtype).itemsize:
        raise ValueError(f"{path} does not have the expected size")
    return np.memmap(path, dtype=dtype, mode="r", shape=(count,))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (_IDS, _DOCUMENTS, _OOV):
        if (folder / name).exists():
            with open(folder / name, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
