"""Translator: a trained translator and its uses, computed by the engine without torch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.examples import normalise_text
from elman.data.padding import in_order
from elman.data.pairs import Pairs
from elman.decode.beam import Hypothesis
from elman.decode.fusion import FusedModel, check_fusion
from elman.decode.translation import ConditionedModel, DecodingConfig, decode_targets
from elman.errors import UsageError
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.translator import InferenceTranslator, InferenceTranslatorConfig, inference_translator
from elman.models.protocol import LanguageModel
from elman.models.translator_config import TranslatorConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.engine_file import engine_network
from elman.tasks.folder_model import FolderModel
from elman.tasks.translate.attention import Attention, attended
from elman.tasks.translate.copying import with_copies
from elman.tasks.translate.data import sizes_of
from elman.tasks.translate.glossary import begun_with, terms_in
from elman.tasks.translate.translation import Translation
from elman.tasks.translate.vocabularies import Vocabularies
from elman.text.tokenizer import EOS_ID, UNK_ID

if TYPE_CHECKING:
    from elman.evaluation.translations import TranslationReport
    from elman.tasks.folder_model import Weights

_BATCH = 64
"""Texts translated side by side."""


class Translator(FolderModel):
    """A trained translator.

    Attributes:
        network: its network in the engine.
        config: its configuration.
        vocabularies: the tokenizers of source and target.
    """

    kind = "translator"
    article_and_kind = "a translator"

    def __init__(
        self,
        network: InferenceTranslator,
        vocabularies: Vocabularies,
        config: TranslatorConfig,
        *,
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.network, self.vocabularies, self.config = network, vocabularies, config

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "Translator":
        config, files = TranslatorConfig.from_json(values), model_folder.static_files(folder)
        vocabularies = Vocabularies.from_files(files, joint=config.joint, reverse=config.reverse_source)
        sizes = sizes_of(vocabularies)
        network = engine_network(
            folder,
            weights,
            InferenceTranslatorConfig,
            {"network": config.to_json(), "source": sizes.source, "target": sizes.target},
            stored=InferenceTranslator,
            made=lambda arrays: inference_translator(arrays, config, sizes, int8=()),
        )
        return cls(network, vocabularies, config, folder=folder)

    def __repr__(self) -> str:
        types = f"{self.vocabularies.source.size} and {self.vocabularies.target.size} types"
        return f"Translator({self.config.cell}, {types})"

    @cached_property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabularies and weights as they are used."""
        return self.hash_of(self.network, [self.vocabularies.source.hash, self.vocabularies.target.hash])

    def predict(self, texts: str | Iterable[str], **options: Any) -> Any:
        """The translation of each text; of a single text, its own.

        Args:
            options: those of ``predictions``.

        >>> import elman
        >>> model = elman.load("en-de")  # doctest: +SKIP
        >>> model.predict("A cat sleeps.")  # doctest: +SKIP
        'Eine Katze schläft.'
        """
        if isinstance(texts, str):
            return next(self.predictions([texts], **options)).text
        return [each.text for each in self.predictions(texts, **options)]

    def predictions(
        self,
        texts: Iterable[str],
        *,
        begin: str = "",
        lm: LanguageModel | None = None,
        lm_weight: float = 0.2,
        glossary: Mapping[str, str] | None = None,
        **decoding: Any,
    ) -> Iterator[Translation]:
        """The translations of a stream of texts, in its order and in constant memory; no text
        changes another's.

        Args:
            begin: how every translation begins; its last word may be half a word.
            lm: a language model of the target side, which helps to choose (``decode.fusion``).
            lm_weight: of its log-probabilities.
            glossary: terms of the source and how the best translation must translate them.
            decoding: fields of ``DecodingConfig``, such as ``beam_size``.

        Raises:
            ModelError: the language model has other types.
            UsageError: an option that is out of range.
        """
        config = DecodingConfig(**decoding)
        if lm is not None:
            check_fusion(self.vocabularies.target.tokens, lm, lm_weight)
        if glossary and not self.config.attends:
            raise UsageError("a glossary needs attention, which this translator does not have; leave it out")

        def translated(some: list[tuple[str, NDArray[np.int64]]]) -> list[Translation]:
            model = self._reading([ids for _, ids in some])
            fused: ConditionedModel = model if lm is None else FusedModel(model, lm, lm_weight)
            found = decode_targets(fused, model.memory.lengths, config, begin=begin)
            for number, (text, _) in enumerate(some):
                for term in terms_in(text, glossary or {}):
                    found[number] = self._with_term(term, text, found[number], fused, model, number, config)
            return self._translations([text for text, _ in some], found, model)

        return in_order(self._encoded(texts), translated, length=lambda each: len(each[1]), batch=_BATCH)

    def reading(self, texts: Sequence[str]) -> ConditionedDecoder:
        """A language model of the targets of texts."""
        return self._reading([ids for _, ids in self._encoded(texts)])

    def attention(self, sources: Sequence[str], targets: Sequence[str]) -> Iterator[Attention]:
        """Where the model looks in each source while it writes a target that is given, in their
        order.

        Raises:
            UsageError: the model has no attention, or there are more of one than of the other.
        """
        if len(sources) != len(targets):
            raise UsageError(f"{len(sources)} sources and {len(targets)} targets were given; give as many of both")
        return attended(self, Pairs(*(list(map(normalise_text, side)) for side in (sources, targets))))

    def evaluate(self, *sources: str | Path, progress: Progress | None = None, **settings: Any) -> "TranslationReport":
        """Figures with intervals on the pairs of files, next to those of the rivals.

        Args:
            sources: files, folders, globs or ``-``.
            settings: fields of ``PairsConfig``, by default as in training, and of
                ``DecodingConfig``.
        """
        from elman.tasks.translate.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings, progress=progress or Progress()).report

    def explain(self, text: str, *, label: str | None = None) -> Attention:
        """Where the model looks in a text while it translates it: by word, or by token if tokens
        are characters or bytes.

        Raises:
            UsageError: the model has no attention, or a label is given.
        """
        if label is not None:
            raise UsageError(f"there is no label {label!r} to explain; a translator has none")
        pieces = self.vocabularies.source.config.level in ("char", "byte")
        (found,) = attended(self, Pairs([normalise_text(text)], [self.predict(text)]), pieces=pieces)
        return found

    def explanation_files(self, explanation: Attention) -> dict[str, bytes]:
        """An explanation as a page and as pictures: ``html``, ``png`` and ``svg``."""
        from elman.report.attention import attention_files

        return attention_files(explanation.to_json())

    def _encoded(self, texts: Iterable[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        for number, text in enumerate(texts, 1):
            if not isinstance(text, str):
                raise UsageError(f"text {number} is of type {type(text).__name__}; give strings")
            line = normalise_text(text)
            yield line, self.vocabularies.source_ids([line])[0]

    def _reading(self, ids: Sequence[NDArray[np.int64]]) -> ConditionedDecoder:
        return ConditionedDecoder(self.network, self.vocabularies.target, ids, self.model_hash)

    def _translations(
        self, texts: Sequence[str], found: Sequence[Sequence[Hypothesis]], model: ConditionedDecoder
    ) -> list[Translation]:
        return [
            Translation(
                text,
                tuple(self._written(hypothesis, text, model, number) for hypothesis in own),
                tuple(hypothesis.log_prob for hypothesis in own),
            )
            for number, (text, own) in enumerate(zip(texts, found, strict=True))
        ]

    def _with_term(
        self,
        term: tuple[int, int, str],
        text: str,
        found: list[Hypothesis],
        fused: ConditionedModel,
        model: ConditionedDecoder,
        number: int,
        config: DecodingConfig,
    ) -> list[Hypothesis]:
        """The translations of one text, begun again if the best one lacks a term of the
        glossary."""
        ids = [token for token in found[0].ids if token != EOS_ID]
        target = self.vocabularies.target
        if term[2] in target.decode(ids):
            return found
        (weights,) = model.attention([np.array(ids, np.int64)], [number])
        spans = self.vocabularies.source.encode(text).spans.tolist()
        writer = target.writer()
        pieces = [writer.write(token).decode(errors="replace") for token in ids]
        begin = begun_with(term, weights, spans[::-1] if self.vocabularies.reverse else spans, pieces)
        return decode_targets(fused, model.memory.lengths, config, begin=begin, only=[number])[0] or found

    def _written(self, hypothesis: Hypothesis, text: str, model: ConditionedDecoder, number: int) -> str:
        ids = [token for token in hypothesis.ids if token != EOS_ID]
        target = self.vocabularies.target
        if UNK_ID not in ids or not self.config.attends:
            return target.decode(ids)
        spans = self.vocabularies.source.encode(text).spans.tolist()
        words = [text[start:end] for start, end in spans]
        (weights,) = model.attention([np.array(ids, np.int64)], [number])
        return with_copies(target, ids, weights, words[::-1] if self.vocabularies.reverse else words)

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {
            "name": self.config.cell,
            "size": self.config.layers_in_words,
            "attention": self.config.attention,
            "types": [self.vocabularies.source.size, self.vocabularies.target.size],
            "precision": self.network.precision,
        }
