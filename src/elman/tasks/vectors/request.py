"""VectorsRequest: what a user asks the training of word vectors for."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from elman.data.word_text import WordsConfig
from elman.errors import UsageError
from elman.models.registry import entry
from elman.models.vectors.config import DEFAULTS, VectorsConfig, models_for
from elman.tasks.language.request import bytes_of
from elman.tasks.request import SharedRequest


@dataclasses.dataclass(frozen=True, kw_only=True)
class VectorsRequest(SharedRequest):
    """What the user asked for."""

    task = "vectors"
    data_config = WordsConfig

    data: WordsConfig = WordsConfig()
    max_ram: str | None = None
    """Memory for counting pairs of words; what does not fit goes to disk."""

    @classmethod
    def of(cls, *, kind: str, settings: Mapping[str, Any], **common: Any) -> Self:
        """A request from the user's settings; documents have defaults of their own."""
        if entry(kind).counted:
            for name in ("document", "phrases", "phrase_threshold"):
                if name in settings:
                    raise UsageError(
                        f"--{name.replace('_', '-')} does not apply to {kind}: a document is a file of a folder, a "
                        "line of a file, or with --field a record"
                    )
            settings = {"min_count": 1, **settings}
        return super().of(kind=kind, settings=settings, **common)

    def __post_init__(self) -> None:
        super().__post_init__()
        for flag, given, why in (
            ("--minutes", self.minutes is not None, "the text is read a number of times: say --epochs"),
            ("--updates", self.updates is not None, "the text is read a number of times: say --epochs"),
            ("--valid", bool(self.valid), "nothing is held out; evaluate on --similarity and --analogies"),
            ("--test", bool(self.test), "nothing is held out; evaluate on --similarity and --analogies"),
            ("--precision", self.precision != "auto", "word vectors are float32"),
            ("--tensorboard", self.tensorboard, "no loss is computed"),
        ):
            if given:
                raise UsageError(f"{flag} does not apply to word vectors: {why}")
        if self.epochs is not None and self.epochs != int(self.epochs):
            raise UsageError(f"--epochs is {self.epochs:g}; of word vectors it must be a whole number")
        if entry(self.kind).counted:
            if self.epochs is not None:
                raise UsageError(f"--epochs does not apply to {self.kind}: documents are counted once")
            return
        # Values out of range are refused before the text is read.
        settings: dict[str, Any] = self.settings | ({"threads": self.threads} if self.threads else {})
        model = settings.pop("model", None)
        if self.max_ram is not None:
            bytes_of(self.max_ram)
            if model not in (None, "glove", "ppmi"):
                raise UsageError(
                    f"--max-ram applies to glove and ppmi, which count; {model} takes little: leave it out"
                )
        if model is not None:
            VectorsConfig.of(model, settings)
        elif models := models_for(settings):
            VectorsConfig.of(models[0], settings)
        else:
            raise UsageError(f"no model knows all of these settings; say --model: {', '.join(DEFAULTS)}")

    @property
    def settings(self) -> dict[str, Any]:
        """What is fixed of the configuration."""
        epochs = {} if self.epochs is None else {"epochs": int(self.epochs)}
        return {**self.fixed.config, **epochs}
