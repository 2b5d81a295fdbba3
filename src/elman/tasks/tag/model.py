"""Tagger: a trained tagger and its uses, computed by the engine without torch."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.labels import LABELS_FILE, LabelSet
from elman.data.padding import in_order
from elman.data.tagged import TaggedConfig, TaggedSentence, read_tagged, write_tagged
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.data.word_rules import RULES_FILE, WordRules
from elman.errors import FolderError, UsageError
from elman.inference.linear_chain import LinearChain
from elman.inference.tagger import InferenceTagger, InferenceTaggerConfig, inference_tagger
from elman.models.tag_regression import TagRegression, mixed_scores
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import WordFeatures
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.engine_file import engine_network
from elman.tasks.folder_model import FolderModel
from elman.tasks.tag.contexts import Contexts
from elman.tasks.tag.data import transitions_of
from elman.tasks.tag.prediction import TaggedText

if TYPE_CHECKING:
    from elman.evaluation.tags import TagReport
    from elman.tasks.folder_model import Weights

_BATCH = 256
Sentence = str | Sequence[str] | TaggedSentence
"""A text, or its words."""


class Tagger(FolderModel):
    """A trained tagger.

    Attributes:
        tagger: its network in the engine.
        config: its configuration.
        temperature: what scores are divided by, fitted on the validation part.
        rules: how texts are cut into the words of its training part.
        contexts: the language models whose states are features of words.
        ngrams: the linear part, if it has one.
        share: the weight of that part's scores.
    """

    kind = "tagger"
    article_and_kind = "a tagger"

    def __init__(
        self,
        tagger: InferenceTagger,
        labels: LabelSet,
        config: TaggerConfig,
        *,
        rules: WordRules | None = None,
        contexts: Contexts | None = None,
        ngrams: TagRegression | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.rules = rules or WordRules()
        self.contexts = contexts or Contexts()
        if self.contexts.size != config.language_size:
            raise FolderError("the language models of this tagger are missing or others; copy the folder again")
        self.tagger, self.config, self.label_set, self.ngrams = tagger, config, labels, ngrams
        self.temperature, self.share = 1.0, 0.0

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "Tagger":
        files = model_folder.static_files(folder)
        labels, config = LabelSet.from_bytes(files[LABELS_FILE]), TaggerConfig.from_json(values)
        features, outputs = WordFeatures(Vocabulary.from_bytes(files[VOCABULARY_FILE]), config), len(labels)
        network = engine_network(
            folder,
            weights,
            InferenceTaggerConfig,
            {"network": config.to_json(), "vocab_size": features.size, "outputs": outputs},
            stored=lambda arrays, own: InferenceTagger(arrays, own, features),
            made=lambda arrays: inference_tagger(arrays, config, features, outputs=outputs, int8=()),
        )
        contexts, rules = Contexts.from_files(files), WordRules.from_bytes(files[RULES_FILE])
        ngrams = TagRegression.from_files(files, tags=outputs)
        return cls(network, labels, config, rules=rules, contexts=contexts, ngrams=ngrams, folder=folder)

    def calibrate(self, found: Mapping[str, Any]) -> None:
        self.temperature = float(found.get("temperature", 1.0))
        self.share = float(found.get("ngrams", 0.0))

    def __repr__(self) -> str:
        return f"Tagger({self.config.cell}, {len(self.labels)} tags, {self.tagger.features.size} words)"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the tags, by id."""
        return self.label_set.names

    @property
    def head(self) -> list[str]:
        """The columns of ``TaggedText.rows``."""
        return ["word", "tag", *self.labels]

    @property
    def scheme(self) -> str | None:
        """How tags mark spans; None for tags that mark words."""
        return self.config.scheme

    @property
    def field(self) -> str | None:
        """Where the tags of its training files were; None for the usual place."""
        return self.card.get("data", {}).get("field")

    @cached_property
    def chain(self) -> LinearChain:
        """What may follow what, and a CRF's scores."""
        scores = {name.removeprefix("crf."): array for name, array in self.tagger.crf.items()}
        return LinearChain(len(self.labels), allowed=transitions_of(self.label_set, self.scheme), **scores)

    def predict(self, texts: Sentence | Iterable[Sentence]) -> Any:
        """The tags of each text; of a single text, its own.

        Args:
            texts: a text, or several; each is a string, which is cut into words, or the list of its
                words. A list of strings is several texts: put a single sentence of words into
                another list.

        Returns:
            A ``TaggedText``, or a list of them, with ``words``, ``tags``, ``spans`` and
            ``probabilities``.

        Raises:
            UsageError: something else than texts.

        >>> import elman
        >>> model = elman.load("tagger")  # doctest: +SKIP
        >>> model.predict("We bank here").tags  # doctest: +SKIP
        ('PRON', 'VERB', 'ADV')
        """
        if isinstance(texts, (str, TaggedSentence)):
            return self.predict([texts])[0]
        if not isinstance(texts, Iterable):
            raise UsageError(f"texts are a {type(texts).__name__}; give a string, or a list of strings or of words")
        return list(self.predictions(texts))

    def predictions(self, texts: Iterable[Sentence]) -> Iterator[TaggedText]:
        """Predictions for a stream of texts, in its order and in constant memory."""
        yield from in_order((_words_of(text, self.rules) for text in texts), self._predict, length=len, batch=_BATCH)

    def split(self, text: str) -> TaggedSentence:
        """The words of a text with their places in it, cut as the training part is."""
        return self.rules.split(text)

    def tags(self, sentences: Sequence[Sentence]) -> list[tuple[str, ...]]:
        """Only the tags of sentences; faster, since no probability is computed."""
        best = self.chain.best(self._scores([_words_of(sentence, self.rules) for sentence in sentences]))
        names = self.labels
        return [tuple(names[tag] for tag in own.tolist()) for own in best]

    def written(self, texts: Iterable[Sentence] | None = None, *, format: str) -> Iterator[str]:  # noqa: A002
        """Sentences with their tags in a format of tagged text, piece by piece, in constant memory.

        Args:
            texts: texts as for ``predict``. Default: standard input (``read``); what is read in a
                format of tagged text keeps all but its tags.
            format: ``conllu``, ``columns`` or another one that ``elman.data.tagged`` writes.

        Raises:
            UsageError: a format that is not written.
        """
        config = TaggedConfig(format=format)
        for tagged in self.predictions(self.read(for_writing=True) if texts is None else texts):
            yield write_tagged(tagged.sentence, tagged.tags, format=config.format, field=self.field, scheme=self.scheme)

    def read(
        self,
        source: str = "-",
        *,
        format: str = "auto",  # noqa: A002
        for_writing: bool = False,
    ) -> Iterator[TaggedSentence]:
        """The sentences of a file or of standard input, one by one, without tags.

        Args:
            format: ``conllu``, ``columns``, ``text`` or another one that ``elman.data.tagged``
                reads; auto finds it out.
            for_writing: as for ``elman.data.tagged.read_tagged``.

        Raises:
            UsageError: an unknown format.
            TextError: the file cannot be read.
        """
        config = TaggedConfig(format=format)
        return read_tagged([source], config=config, tagged=False, for_writing=for_writing, split=self.rules.split)

    def marginals(self, text: Sentence) -> NDArray[np.float64]:
        """The probability of each tag at each word ``[T, K]``, in the order of ``labels``."""
        return self.predict([text])[0].probabilities

    def n_best(self, text: Sentence, n: int = 5) -> list[tuple[tuple[str, ...], float]]:
        """The ``n`` most probable sequences of tags and their probabilities, the best first.

        Raises:
            UsageError: ``n`` is below 1.
        """
        if n < 1:
            raise UsageError.of("n", n, "at least 1")
        (scores,) = self._cooled([_words_of(text, self.rules)])
        chain = self.chain.cooled(self.temperature)
        (total,) = chain.log_partition([scores])
        found = chain.n_best(scores, n)
        return [(tuple(self.labels[tag] for tag in tags), float(np.exp(score - total))) for tags, score in found]

    def _scores(self, sentences: Sequence[TaggedSentence]) -> list[NDArray[np.float32]]:
        words = [sentence.words for sentence in sentences]
        contexts = self.contexts.vectors(sentences)
        scores = self.tagger.scores(words) if contexts is None else self.tagger.scores(words, contexts)
        if self.ngrams is None or not self.share:
            return scores
        return mixed_scores(scores, self.ngrams.scores(words), self.share)

    def _cooled(self, sentences: Sequence[TaggedSentence]) -> list[NDArray[np.float64]]:
        scores = self._scores(sentences)
        return [each.astype(np.float64) / self.temperature for each in scores]

    def _predict(self, sentences: Sequence[TaggedSentence]) -> list[TaggedText]:
        scores, chain = self._cooled(sentences), self.chain.cooled(self.temperature)
        best, probabilities = chain.best(scores), chain.marginals(scores)
        found = []
        for sentence, own, tags, chances in zip(sentences, scores, best, probabilities, strict=True):
            names = tuple(self.labels[tag] for tag in tags.tolist())
            part = chain.part_probability(own, tags)
            found.append(TaggedText(sentence, names, self.labels, self.scheme, chances, part))
        return found

    def figures(
        self, sentences: Sequence[TaggedSentence], *, is_known: Callable[[str], bool] | None = None
    ) -> dict[str, float]:
        """The figures of the task on tagged sentences (``figures_of``).

        Args:
            is_known: whether training had a word; by default, whether it has an id of its own.
        """
        from elman.tasks.tag.figures import figures_of

        found = self.tags(sentences)
        return figures_of(sentences, found, scheme=self.scheme, is_known=is_known or self.tagger.features.is_known)

    def evaluate(
        self,
        *sources: str | Path,
        rival: bool = True,
        learning_curve: bool = False,
        progress: Progress | None = None,
        **settings: Any,
    ) -> "TagReport":
        """Figures with intervals and mistakes on the tagged sentences of files, next to the rivals'
        figures.

        Args:
            sources: files, folders, globs or ``-``.
            rival: whether all rivals are trained for comparison; otherwise only the most frequent
                tag of each word.
            learning_curve: whether taggers like this one are trained on a 16th, 8th, 4th and half
                of the training data, and all of it; parts are read more often, the 16th four times.
            settings: how the files are read (``elman.data.tagged.TaggedConfig``); by default as in
                training.
        """
        from elman.tasks.tag.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        curve_with = Tagger.load if learning_curve else None
        return evaluate_sources(
            self, names, settings, rival=rival, curve_with=curve_with, progress=progress or Progress()
        )

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, words, tags and weights as they are used."""
        words = hashlib.sha256(self.tagger.features.vocabulary.to_bytes()).hexdigest()
        readers = [reader.hash for reader in self.contexts.readers]
        more = [] if self.ngrams is None else [self.ngrams.digest, repr(self.share)]
        return self.hash_of(self.tagger, [words, repr(self.labels)], [repr(self.temperature), *readers, *more])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        config = self.config
        sizes = config.layers_in_words + (", two directions" * config.bidirectional) + (", CRF" * config.crf)
        readers = [reader.description for reader in self.contexts.readers]
        return {
            "name": config.cell,
            "size": sizes,
            "tags": len(self.labels),
            "scheme": config.scheme or "none",
            "precision": self.tagger.precision,
            "vocabulary": self.tagger.features.size,
            **({"ngrams": f"share {self.share:.3g}"} if self.ngrams is not None else {}),
            **({"language models": " and ".join(readers)} if readers else {}),
        }


def _words_of(text: Any, rules: WordRules) -> TaggedSentence:
    if isinstance(text, TaggedSentence):
        return text
    if isinstance(text, str):
        return rules.split(text)
    if isinstance(text, Sequence) and all(isinstance(word, str) for word in text):
        return TaggedSentence(words=tuple(text))
    raise UsageError(f"a text is of type {type(text).__name__}; give strings, or lists of words")
