"""Verification of a model: its files' digests, the figures of its card derived again, and its
canaries."""

import dataclasses
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from elman.decode.exposure import Exposure, exposure, parse_canary
from elman.errors import ElmanError, FolderError, MissingExtra, TextError, TrainingError, UsageError
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage.archive import read_sealed_json
from elman.storage.digests import FileDigest, file_digests
from elman.storage.folder import card_file, read_config
from elman.tasks.language.model import load
from elman.tasks.registry import task_named

TOLERANCE = 1e-3
"""Relative, for networks: another processor or another number of threads adds in another order."""
COUNTED_TOLERANCE = 1e-9
"""For models that are counted."""
_SMALL = 1e-3
"""Figures below this may differ by so much times the tolerance: they are rounding errors
themselves."""
_RESULTS = ("figures", "rival")
"""All that a card says under these names must be derived again."""
_HASHES = ("hash", "sha256")


class Figure(NamedTuple):
    """One figure of the model card."""

    name: str
    """Its place in the card, such as ``figures.test.perplexity``."""
    stated: Any
    """A number, a list of numbers, or a hash."""
    derived: Any
    """What came out now; None if nothing did."""
    tolerance: float
    """Relative; 0 for hashes."""
    holds: bool | None
    """None for a rival that this installation cannot train, since a library is missing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verification:
    """What ``verify`` found."""

    files: list[FileDigest]
    figures: list[Figure]
    reason: str | None
    """Why no figure was derived, if so."""
    canaries: list[Exposure]
    demanded: bool
    """Whether the caller named the data, so that figures must be derived."""

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the model card, and no canary is memorised."""
        checks = [each.holds is not False for each in (*self.files, *self.figures)]
        return all(checks) and not any(each.memorised for each in self.canaries) and not (self.demanded and self.reason)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "holds": self.holds,
            "files": [each._asdict() for each in self.files],
            "figures": [each._asdict() for each in self.figures],
            "reason": self.reason,
            "canaries": [each.to_json() for each in self.canaries],
        }


def verify(
    model: str | Path,
    *,
    data: Sequence[str | Path] = (),
    valid: Sequence[str | Path] = (),
    test: Sequence[str | Path] = (),
    canaries: Sequence[str] = (),
    tolerance: float | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check a model: the digest of every file, the figures of its card derived again, canaries.

    Nothing is written into the folder.

    Args:
        model: a model folder; or an ARPA file, which has neither digests nor figures.
        data: where the data is that it was trained on, by default where training read it; likewise
            ``valid`` and ``test``. It is recognised by its hash.
        canaries: secrets as ``"PATTERN=VALUE"``, such as ``"my pin is {digits:4}=4831"`` (language
            models).
        tolerance: the relative difference that a figure may have; by default 0.001, and 1e-9 for
            models that are counted.

    Returns:
        ``holds``, with the ``files``, ``figures`` and ``canaries`` one by one; ``reason`` says why
        no figure could be derived.

    Raises:
        FolderError: it is no model folder.
        UsageError: a canary that cannot be read, or one of a model that gives texts no probability.

    >>> import elman
    >>> elman.train("builtin:pydocs", model="ngram", order=2).save("pydocs")  # doctest: +SKIP
    >>> elman.verify("pydocs").holds  # doctest: +SKIP
    True
    """
    path, told = Path(model), progress or Progress()
    wanted = [parse_canary(each) for each in canaries]
    where = {"sources": data, "valid": valid, "test": test}
    places = {name: [str(file) for file in files] for name, files in where.items()}
    if tolerance is not None and not 0 <= tolerance < 1:
        raise UsageError(f"--tolerance is {tolerance:g}; it must be from 0 to below 1")
    files = file_digests(path)
    damaged = any(each.holds is False for each in files)
    figures: list[Figure] = []
    reason: str | None = "a file is damaged" if damaged else None
    if not damaged:
        try:
            figures = _figures(path, places, tolerance, told)
        except (TextError, TrainingError, UsageError, MissingExtra, FolderError) as error:
            reason = str(error)
    found: list[Exposure] = []
    if wanted and not damaged:
        loaded = load(path, progress=told)
        found = [exposure(loaded.lm, loaded.speller, each) for each in wanted]
    return Verification(files=files, figures=figures, reason=reason, canaries=found, demanded=any(places.values()))


def _figures(
    path: Path, places: Mapping[str, Sequence[str]], tolerance: float | None, progress: Progress
) -> list[Figure]:
    """The figures of the card of a model, derived again in a copy of its folder.

    Raises:
        ElmanError: they cannot be, and why.
    """
    if path.is_file():
        raise FolderError("it is a file of another tool, without a model card")
    kind = entry(read_config(path)[0])
    if not card_file(path).exists():
        raise FolderError("there is no model card: its training has not ended")
    card = read_sealed_json(card_file(path))
    with tempfile.TemporaryDirectory(prefix="elman-verify-") as scratch:
        copy = Path(scratch) / "model"
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns("checkpoint.safetensors", "*.png"))
        try:
            again = task_named(kind.task).measured_again(copy, places, progress=progress)
        except ElmanError as error:
            raise type(error)(str(error).replace(str(copy), str(path))) from error
    usual = COUNTED_TOLERANCE if kind.counted else TOLERANCE
    return compare_cards(card, again, tolerance=usual if tolerance is None else tolerance)


def compare_cards(stated: Mapping[str, Any], derived: Mapping[str, Any], *, tolerance: float) -> list[Figure]:
    """The numbers and hashes of a model card, next to those that were derived again.

    >>> cards = [{"figures": {"f1": f1, "rows": 9}, "data": {"hash": "ab"}} for f1 in (0.5, 0.51)]
    >>> [(each.name, each.holds) for each in compare_cards(*cards, tolerance=0.01)]
    [('figures.f1', False), ('figures.rows', True), ('data.hash', True)]
    """
    found, again = [], dict(_leaves(derived))
    missing = {rival_of(name) for name, _ in _leaves(stated)} - {rival_of(name) for name in again}
    for name, value in _leaves(stated):
        other = again.get(name)
        if other is None and name.partition(".")[0] not in _RESULTS:
            continue  # what training alone knows
        allowed = 0.0 if isinstance(value, str) else tolerance
        holds = None if other is None and rival_of(name) in missing else _agree(value, other, allowed)
        found.append(Figure(name, value, other, allowed, holds))
    return found


def rival_of(name: str) -> str | None:
    """The rival that a figure belongs to; None for other figures.

    >>> rival_of("figures.valid.rivals.TF-IDF.accuracy.value"), rival_of("figures.valid.accuracy.value")
    ('TF-IDF', None)
    """
    _, of_rivals, rest = name.partition(".rivals.")
    return rest.partition(".")[0] if of_rivals else None


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers, lists of numbers and hashes of a JSON value, by their places."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and not (value and all(map(_is_number, value))):
        # Rivals stand in the order of their figures, which a rounding error or one rival more
        # changes.
        by_name = name.rpartition(".")[2] == "rivals" and all(isinstance(each, Mapping) for each in value)
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{inner.get('name', place) if by_name else place}")
    elif isinstance(value, list) or _is_number(value) or (value and name.rpartition(".")[2] in _HASHES):
        yield name, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _agree(stated: Any, derived: Any, tolerance: float) -> bool:
    if isinstance(stated, list):
        same = isinstance(derived, list) and len(derived) == len(stated)
        return same and all(_agree(*pair, tolerance) for pair in zip(stated, derived, strict=True))
    if not (_is_number(stated) and _is_number(derived)):
        return stated == derived
    if not (math.isfinite(stated) and math.isfinite(derived)):
        return str(stated) == str(derived)
    return abs(stated - derived) <= tolerance * max(abs(stated), abs(derived), _SMALL)
