"""ReplyModel: a trained dual encoder of messages and replies, computed by the engine without
torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.examples import normalise_text
from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError
from elman.evaluation.replies import ReplyReport
from elman.inference.encoder import InferenceEncoder
from elman.models.reply_config import ReplyConfig, engine_arrays
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.engine_file import engine_encoder
from elman.tasks.folder_model import FolderModel
from elman.tasks.reply.data import message_ids
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from elman.tasks.folder_model import Weights

REPLIES_FILE = "replies.tsv"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


class ReplyModel(FolderModel):
    """A trained dual encoder.

    Attributes:
        replies: the most frequent replies of its training, the most frequent first.
    """

    kind = "dual-encoder"
    article_and_kind = "a model of replies"

    def __init__(
        self,
        encoder: InferenceEncoder,
        tokenizer: Tokenizer,
        replies: Vocabulary,
        config: ReplyConfig,
        *,
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.encoder, self.tokenizer, self.config = encoder, tokenizer, config
        self._replies = replies

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "ReplyModel":
        files = model_folder.static_files(folder)
        tokenizer = Tokenizer.from_files({name: files[name] for name in _TOKENIZER_FILES})
        try:
            replies = Vocabulary.from_bytes(files[REPLIES_FILE])
        except FolderError as error:
            raise FolderError(f"{REPLIES_FILE} is damaged; copy the model folder again, or train anew") from error
        config = ReplyConfig.from_json(values)
        shape: Any = {"vocab": tokenizer.size, "outputs": 2 * config.vector_size, "engine_arrays": engine_arrays}
        return cls(engine_encoder(folder, weights, config, **shape), tokenizer, replies, config, folder=folder)

    def __repr__(self) -> str:
        return f"ReplyModel({self.config.cell}, {self.tokenizer.size} types, {len(self.replies)} replies)"

    @property
    def replies(self) -> tuple[str, ...]:
        return self._replies.words

    @property
    def reply_counts(self) -> dict[str, int]:
        """How often training had each of ``replies``."""
        return dict(zip(self._replies.words, self._replies.counts.tolist(), strict=True))

    @property
    def temperature(self) -> float:
        """What cosines are divided by to be the logarithms of ratios of probabilities."""
        plan = self.card.get("recipe", {}).get("plan") or {}
        return float(plan.get("similarity_temperature", 0.08))

    def message_vectors(self, conversations: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """The vector of the last turn of each conversation ``[N, D]``, of length 1; earlier turns,
        the oldest first, are read before it.

        >>> import elman
        >>> model = elman.load("reply-model")  # doctest: +SKIP
        >>> model.message_vectors([["how are you"]]) @ model.reply_vectors(["fine", "at six"]).T  # doctest: +SKIP
        array([[ 0.61, -0.08]], dtype=float32)
        """
        lengths = [len(turns) for turns in conversations]
        ids = iter(self._encoded([turn for turns in conversations for turn in turns]))
        rows = [message_ids([next(ids) for _ in range(length)], self.config.max_tokens) for length in lengths]
        return self._vectors(rows)[:, : self.config.vector_size]

    def reply_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vector of each text as a reply ``[N, D]``, of length 1."""
        rows = [ids[: self.config.max_tokens] for ids in self._encoded(texts)]
        return self._vectors(rows)[:, self.config.vector_size :]

    def _encoded(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return self.tokenizer.encode_lines([normalise_text(text) for text in texts])

    def _vectors(self, rows: list[NDArray[np.int64]]) -> NDArray[np.float32]:
        return unit_halves(self.encoder.logits(rows))

    def evaluate(
        self, *sources: str | Path, rival: bool = True, progress: Progress | None = None, **settings: Any
    ) -> ReplyReport:
        """Recalls of the reply that came, among others at random, next to those of the rivals.

        Args:
            sources: files, folders, globs or ``-``.
            rival: whether TF-IDF is compared.
            settings: how the files are read (``elman.data.dialogues.DialoguesConfig``); by default
                as in training.
        """
        from elman.tasks.reply.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings=settings, rival=rival, progress=progress or Progress())

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabulary, replies and weights as they are used."""
        return self.hash_of(self.encoder, [self.tokenizer.hash, repr(self.replies)])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {
            "name": self.config.cell,
            "size": self.config.layers_in_words + (", two directions" * self.config.bidirectional),
            "replies": len(self.replies),
            "precision": self.encoder.precision,
            "vocabulary": self.tokenizer.size,
        }


def unit_halves(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both halves of each row ``[N, 2 D]`` scaled to length 1.

    >>> unit_halves(np.array([[3.0, 4.0, 0.0, 2.0]], np.float32)).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0, 1.0]]
    """
    halves = outputs.reshape(len(outputs), 2, -1)
    norms = np.sqrt((halves * halves).sum(axis=2, keepdims=True))
    return (halves / np.maximum(norms, np.float32(1e-12))).reshape(outputs.shape)
