"""The simple rivals of a tagger, trained on the same sentences.

If a network cannot beat a rival, use the rival instead. The most frequent tag of each word needs no
library; a conditional random field on features needs python-crfsuite (`pip install 'elman[tasks]'`)
and half a minute for 200,000 words.
"""

import importlib
import importlib.util
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from elman.errors import MissingExtra
from elman.evaluation.rivals import INSTALL
from elman.metrics.span_schemes import repair
from elman.metrics.tags import TagSequences
from elman.models.frequent_tags import FrequentTags
from elman.progress import Progress

PASSES = 60
"""Passes of L-BFGS over the training part."""
PENALTIES = {"c1": 0.1, "c2": 0.01}
"""Of L1 and of L2, by crfsuite's names."""
_LONGEST_AFFIX = 4


class TagRival(Protocol):
    """A simple tagger."""

    name: str
    """As in tables and verdicts."""

    def fit(self, words: TagSequences, tags: TagSequences, *, progress: Progress | None = None) -> Self:
        """Learn from tagged sentences."""
        ...

    def predict(self, words: Sequence[str]) -> list[str]:
        """A tag for each word of a sentence."""
        ...


class MostFrequentTag:
    """The most frequent tag of each word, with suffix back-off; invalid spans are repaired.

    Args:
        scheme: of the spans; None if tags are not spans.

    >>> rival = MostFrequentTag(scheme="BIO").fit([["New", "York"]], [["B-place", "I-place"]])
    >>> rival.predict(["York"])
    ['B-place']
    """

    name = "the most frequent tag"

    def __init__(self, *, scheme: str | None = None) -> None:
        self.scheme = scheme

    def fit(self, words: TagSequences, tags: TagSequences, *, progress: Progress | None = None) -> Self:
        """Count the tags of words and endings."""
        self._tagger = FrequentTags().fit(words, tags)
        return self

    def predict(self, words: Sequence[str]) -> list[str]:
        """A tag for each word of a sentence."""
        tags = self._tagger.predict(words)
        return tags if self.scheme is None else list(repair(tags, self.scheme))


class FeatureCRF:
    """A linear-chain conditional random field on features of words (Lafferty et al. 2001).

    Features are the word, its lower case, prefixes and suffixes up to four characters, and its
    shape; of both neighbours the lower case and the shape, and the lower case of the words two
    away. Weights have an L1 and an L2 penalty and are trained by L-BFGS (orthant-wise), so that
    equal data give equal tags.

    Raises:
        MissingExtra: python-crfsuite is not installed.
    """

    name = "a feature CRF"

    def __init__(self, *, passes: int = PASSES) -> None:
        if not has_crfsuite():
            raise MissingExtra(f"a feature CRF needs python-crfsuite; run: {INSTALL}")
        self.passes = passes

    def fit(self, words: TagSequences, tags: TagSequences, *, progress: Progress | None = None) -> Self:
        """Train the weights."""
        pycrfsuite: Any = importlib.import_module("pycrfsuite")
        progress = progress or Progress()
        settings = {**PENALTIES, "max_iterations": self.passes}
        with progress.stage(f"training {self.name}", total=self.passes, unit="passes") as advance:

            class Trainer(pycrfsuite.BaseTrainer):
                def message(self, message: str) -> None:
                    if message.startswith("***** Iteration"):
                        advance(1)

            trainer: Any = Trainer("lbfgs", settings)
            for line, line_tags in zip(words, tags, strict=True):
                trainer.append(features(line), list(line_tags))
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "crf")
                trainer.train(str(file))
                self._model = file.read_bytes()
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._model)
        return self

    def predict(self, words: Sequence[str]) -> list[str]:
        """The best sequence of tags for a sentence."""
        return self._tagger.tag(features(words)) if words else []


def rivals_of(*, scheme: str | None = None) -> tuple[list[TagRival], list[str]]:
    """The rivals that can be trained here, and a note for each that cannot.

    Args:
        scheme: of the spans; None if tags are not spans.
    """
    counted = MostFrequentTag(scheme=scheme)
    if has_crfsuite():
        return [counted, FeatureCRF()], []
    return [counted], [f"{FeatureCRF.name} was not compared: python-crfsuite is not installed; run: {INSTALL}"]


def predictions(rivals: Sequence[TagRival], words: TagSequences) -> Mapping[str, TagSequences]:
    """The tags that each rival predicts, by its name."""
    return {rival.name: [rival.predict(line) for line in words] for rival in rivals}


def features(words: Sequence[str]) -> list[list[str]]:
    """The features of each word of a sentence.

    >>> features(["Ada"])[0]
    ['bias', 'w=Ada', 'l=ada', 's=Xx', 'p1=a', 'e1=a', 'p2=ad', 'e2=da', 'p3=ada', 'e3=ada', '-1=', '+1=', '-2=', '+2=']
    """
    lower, shapes = [word.lower() for word in words], [_shape(word) for word in words]
    rows = []
    for index, (word, low, shape) in enumerate(zip(words, lower, shapes, strict=True)):
        row = ["bias", f"w={word}", f"l={low}", f"s={shape}"]
        for size in range(1, min(_LONGEST_AFFIX, len(low)) + 1):
            row += [f"p{size}={low[:size]}", f"e{size}={low[-size:]}"]
        for away in (-1, 1, -2, 2):
            other = index + away
            within = 0 <= other < len(words)
            row.append(f"{away:+}={lower[other] if within else ''}")
            if within and abs(away) == 1:
                row.append(f"{away:+}s={shapes[other]}")
        rows.append(row)
    return rows


def _shape(word: str) -> str:
    """Letters as X or x, digits as 0, others as they are; a run of the same sign counts once.

    >>> _shape("McDonald's-24")
    "XxXx'x-0"
    """
    signs = ["0" if sign.isdigit() else "X" if sign.isupper() else "x" if sign.isalpha() else sign for sign in word]
    return "".join(sign for index, sign in enumerate(signs) if index == 0 or sign != signs[index - 1])


def has_crfsuite() -> bool:
    """Whether the feature CRF's library is installed."""
    return importlib.util.find_spec("pycrfsuite") is not None
