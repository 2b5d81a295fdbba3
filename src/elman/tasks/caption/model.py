"""Captioner: a trained captioner and its uses, computed by the engine without torch."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import in_order
from elman.data.picture_format import Picture
from elman.decode.fusion import FusedModel, check_fusion
from elman.decode.translation import ConditionedModel, DecodingConfig, decode_targets
from elman.errors import UsageError
from elman.inference.captioner import InferenceCaptioner, InferenceCaptionerConfig, inference_captioner
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.models.captioner_config import CaptionerConfig
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.caption.attention import PictureAttention, picture_attention
from elman.tasks.caption.caption import Caption
from elman.tasks.caption.data import sizes_of
from elman.tasks.caption.files import CaptionFiles
from elman.tasks.engine_file import engine_network
from elman.tasks.folder_model import FolderModel
from elman.text.tokenizer import EOS_ID

if TYPE_CHECKING:
    from elman.evaluation.captions import CaptionReport
    from elman.tasks.folder_model import Weights

_BATCH = 32
"""Pictures captioned side by side."""
_WINDOW = 256
"""Pictures in memory."""


class Captioner(FolderModel):
    """A trained captioner.

    Attributes:
        network: its network in the engine.
        config: its configuration.
        tokenizer: that of the captions.
        shape: the format of the pictures.
    """

    kind = "captioner"
    article_and_kind = "a captioner"

    def __init__(
        self, network: InferenceCaptioner, files: CaptionFiles, config: CaptionerConfig, *, folder: Path | None = None
    ) -> None:
        super().__init__(folder)
        self.network, self.config = network, config
        self.tokenizer, self.shape, self._longest = files.tokenizer, files.shape, files.longest

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "Captioner":
        config = CaptionerConfig.from_json(values)
        files = CaptionFiles.from_files(model_folder.static_files(folder))
        sizes = sizes_of(files.shape, files.tokenizer)
        network = engine_network(
            folder,
            weights,
            InferenceCaptionerConfig,
            {"network": config.to_json(), "patch": sizes.patch, "target": sizes.target},
            stored=InferenceCaptioner,
            made=lambda arrays: inference_captioner(arrays, config, sizes, int8=()),
        )
        return cls(network, files, config, folder=folder)

    def __repr__(self) -> str:
        return f"Captioner({self.config.cell}, {self.tokenizer.size} types)"

    @cached_property
    def model_hash(self) -> str:
        """Hex digest of configuration, tokens, format of pictures, and weights as they are used."""
        return self.hash_of(self.network, [self.tokenizer.hash, repr(self.shape.to_json())])

    def predict(self, pictures: Picture | Iterable[Picture], **options: Any) -> Any:
        """The caption of each picture; of a single picture, its own.

        Args:
            pictures: files, or arrays ``[H, W, 3]`` of bytes; features, if the model was trained on
                them.
            options: those of ``predictions``.

        >>> import elman
        >>> model = elman.load("shapes")  # doctest: +SKIP
        >>> model.predict("test.png")  # doctest: +SKIP
        'two red circles'
        """
        if isinstance(pictures, (str, Path, np.ndarray)):
            return next(self.predictions([pictures], **options)).text
        return [each.text for each in self.predictions(pictures, **options)]

    def predictions(
        self,
        pictures: Iterable[Picture],
        *,
        begin: str = "",
        lm: LanguageModel | None = None,
        lm_weight: float = 0.2,
        **decoding: Any,
    ) -> Iterator[Caption]:
        """The captions of a stream of pictures, in its order and in constant memory; no picture
        changes another's.

        Args:
            begin: how every caption begins; its last word may be half a word.
            lm: a language model of captions, which helps to choose (``decode.fusion``).
            lm_weight: of its log-probabilities.
            decoding: those of ``decoding``.

        Raises:
            ModelError: the language model has other types.
            TextError: a picture that cannot be read.
            UsageError: an option that is out of range.
        """
        if "glossary" in decoding:
            raise UsageError("a glossary is for translators; leave it out")
        config = self.decoding(**decoding)
        if lm is not None:
            check_fusion(self.tokenizer.tokens, lm, lm_weight)

        def captioned(some: list[tuple[str, NDArray[Any]]]) -> list[Caption]:
            model = self._reading([picture for _, picture in some])
            fused: ConditionedModel = model if lm is None else FusedModel(model, lm, lm_weight)
            found = decode_targets(fused, model.memory.lengths, config, begin=begin)
            return [
                Caption(
                    name,
                    tuple(self.tokenizer.decode([token for token in each.ids if token != EOS_ID]) for each in own),
                    tuple(each.log_prob for each in own),
                )
                for (name, _), own in zip(some, found, strict=True)
            ]

        read = ((_name(picture), self.shape.read(picture)) for picture in pictures)
        return in_order(read, captioned, length=lambda _: 1, batch=_BATCH, window=_WINDOW)

    def decoding(self, **settings: Any) -> DecodingConfig:
        """How captions are decoded; by default the likeliest token is always taken, and a caption
        has at most twice as many tokens as the longest one of the training part.

        Args:
            settings: fields of ``DecodingConfig``.

        Raises:
            UsageError: a value that is out of range.
        """
        most = max(min(2 * self._longest, 10_000), settings.get("min_tokens", 1))
        whole: dict[str, Any] = {"max_tokens": most, "beam_size": settings.get("n_best", 1), **settings}
        return DecodingConfig(**whole)

    def reading(self, pictures: Sequence[Picture]) -> ConditionedDecoder:
        """A language model of the captions of pictures."""
        return self._reading([self.shape.read(picture) for picture in pictures])

    def evaluate(self, *sources: str | Path, progress: Progress | None = None, **settings: Any) -> "CaptionReport":
        """Figures with intervals on the pictures and captions of files, next to those of the
        rivals.

        Args:
            sources: files, folders, globs or ``-``.
            settings: ``images``, ``encoding`` and ``skip_broken`` of ``CaptionsConfig``, and fields
                of ``DecodingConfig``.
        """
        from elman.tasks.caption.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings, progress=progress or Progress()).report

    def explain(self, picture: Picture, *, label: str | None = None) -> PictureAttention:
        """Where the model looks in a picture while it writes each word of its caption.

        Raises:
            UsageError: the model has no attention, or a label is given.
        """
        if label is not None:
            raise UsageError(f"there is no label {label!r} to explain; a captioner has none")
        return self.picture_attention(picture, self.predict(picture))

    def picture_attention(self, picture: Picture, caption: str) -> PictureAttention:
        """Where the model looks in a picture while it writes each word of a caption that is given.

        Raises:
            UsageError: the model has no attention.
        """
        return picture_attention(self, picture, caption)

    def explanation_files(self, explanation: PictureAttention) -> dict[str, bytes]:
        """An explanation as pictures: ``png`` and ``svg``."""
        from elman.report.picture_attention import picture_attention_files

        return picture_attention_files(explanation.pixels, explanation.words, explanation.weights)

    def _reading(self, pictures: Sequence[NDArray[Any]]) -> ConditionedDecoder:
        patches = self.shape.patches(np.stack(pictures))
        return ConditionedDecoder(self.network, self.tokenizer, list(patches), self.model_hash)

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {
            "name": self.config.cell,
            "size": self.config.layers_in_words,
            "attention": self.config.attention,
            "patches": [self.shape.rows, self.shape.columns],
            "types": self.tokenizer.size,
            "precision": self.network.precision,
        }


def _name(picture: Picture) -> str:
    return "" if isinstance(picture, np.ndarray) else str(picture)
