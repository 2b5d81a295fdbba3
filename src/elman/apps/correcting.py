"""A corrector from what users give: models as they are loaded, and files of words, misspellings and
clean text."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from elman.apps.correct import CorrectConfig, Correction, Corrector, Harm, corrected
from elman.apps.spelling.lexicon import read_words
from elman.apps.spelling.m2 import is_m2, read_m2
from elman.apps.spelling.pairs import Pair, read_pairs, read_text
from elman.errors import UsageError
from elman.evaluation.splits import held_out_text
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.corpus import CorpusConfig, Sources, read_lines
from elman.text.normalise import split_lines
from elman.text.speller import Speller

_MOST_CLEAN = 5_000
"""Lines of clean text that are read at most."""


class TextModel(Protocol):
    """What ``elman.load`` gives for language models."""

    lm: LanguageModel
    speller: Speller
    card: dict[str, Any]
    folder: Path | None


def load_corrector(
    model: TextModel,
    *,
    words: str | Path | None = None,
    errors: str | Path | Iterable[Pair] | None = None,
    protect: str | Path | Iterable[str] = (),
    config: CorrectConfig | None = None,
) -> Corrector:
    """A corrector of a loaded model.

    Args:
        words: a file of more words, one a line.
        errors: a file of misspellings, or pairs, to learn from.
        protect: words to leave alone, or a file of them.

    Raises:
        TextError: a file cannot be read.
        UsageError: the model has no words, and no file has.
    """
    pairs = read_pairs(Path(errors)) if isinstance(errors, (str, Path)) else list(errors or ())
    kept = read_words(Path(protect)) if isinstance(protect, (str, Path)) else list(protect)
    listed = [] if words is None else read_words(Path(words))
    return Corrector(model.lm, model.speller, words=listed, pairs=pairs, protect=kept, config=config)


def fit_harm(
    corrector: Corrector,
    model: TextModel,
    harm: float,
    clean: Sources | None = None,
    *,
    progress: Progress | None = None,
) -> Harm:
    """Fit a corrector's threshold to clean text, by default the validation text named in the
    model's card.

    Raises:
        UsageError: there is no clean text.
    """
    progress = progress or Progress()
    if clean is not None:
        return corrector.fit_harm(islice(clean_lines(clean), _MOST_CLEAN), harm, progress=progress)
    with held_out_text(model.folder, model.card, progress=progress, purpose="fitting harm to") as text:
        return corrector.fit_harm(islice((line for line, _ in text if line), _MOST_CLEAN), harm, progress=progress)


def clean_lines(sources: Sources) -> Iterator[str]:
    """The lines of texts that are no blank ones."""
    listed = [str(sources)] if isinstance(sources, (str, Path)) else [str(each) for each in sources]
    return (line for line, _ in read_lines(listed, config=CorpusConfig()))


class Corrected(NamedTuple):
    """A text with its corrections."""

    text: str
    changes: list[Correction]
    """With lines from 0 and offsets in characters of their line."""


def correct(
    model: TextModel,
    text: str,
    *,
    words: str | Path | None = None,
    errors: str | Path | None = None,
    protect: str | Path | Sequence[str] = (),
    harm: float | None = None,
    clean: Sources | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Corrected:
    """Correct the spelling of a text in its context.

    ``elman.apps.correct.Corrector`` does the same for many texts, and is prepared once.

    Args:
        words: a file of more words than those of the model, one a line.
        errors: a file of misspellings from which to learn how words are mistyped.
        protect: words to leave alone, or a file of them.
        harm: the largest share of correct words that may be changed, such as 0.005; the threshold
            is fitted to ``clean``.
        clean: text that is believed correct; by default the validation text of the model's card.
        settings: fields of ``CorrectConfig``, such as ``threshold=10``.

    Raises:
        TextError: a file is broken; says where.
        UsageError: settings that do not fit, or a model without words.

    >>> import elman
    >>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
    >>> elman.correct(lm, "Retrun the value of the fucntion.").text
    'Return the value of the function.'
    """
    config = CorrectConfig.from_json(settings)
    corrector = load_corrector(model, words=words, errors=errors, protect=protect, config=config)
    if harm is not None:
        if config.threshold is not None:
            raise UsageError("harm and threshold both say how sure a change must be; give one of them", field="harm")
        fit_harm(corrector, model, harm, clean, progress=progress)
    elif clean is not None:
        raise UsageError("clean is text to which the threshold is fitted; give harm too, such as 0.005", field="clean")
    lines = text.split("\n")
    found = list(corrector.stream(lines))
    changes = [each for _, of_line in found for each in of_line]
    return Corrected("\n".join(corrected(line, of_line) for line, of_line in found), changes)


class Evaluated(NamedTuple):
    """What a file evaluates: one of both, the other is empty."""

    lines: list[tuple[str, str]]
    """As they are, and as they should be."""
    pairs: list[Pair]


def parallel_lines(path: Path) -> Evaluated:
    """Lines ``as it is<TAB>as it should be``, those of M2, or misspellings of single words.

    Raises:
        TextError: the file holds neither.
    """
    lines = list(split_lines(read_text(path)))
    if is_m2(lines):
        read = read_m2(lines, name=str(path))
        return Evaluated([(" ".join(each.tokens), each.corrected) for each in read], [])
    pairs = read_pairs(path)
    if any(" " in each.wrong for each in pairs):
        return Evaluated([(each.wrong, each.right) for each in pairs], [])
    return Evaluated([], pairs)


def parse_share(text: str) -> float:
    """A share from ``0.5%`` or ``0.005``.

    >>> parse_share("0.5%"), parse_share("0.01")
    (0.005, 0.01)

    Raises:
        UsageError: it is none.
    """
    number = text.strip()
    try:
        value = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise UsageError(f"{text!r} is no share above 0 and below 1; write 0.5% or 0.005")
    return value
