"""TagRequest: a user's request to train a tagger."""

import dataclasses

from elman.data.tagged import TaggedConfig
from elman.errors import UsageError
from elman.models.tagger_config import TaggerConfig
from elman.tasks.request import Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagDataConfig(TaggedConfig):
    """How tagged sentences are read, and which words become types."""

    min_count: int | None = None
    """Words seen less often are read by their characters alone; default 1, of more than a million
    words 2."""
    sentences: int | None = None
    """Train on so many sentences, drawn at random (default: all)."""
    hold_out_test: bool = False
    """Without --test: hold out one more sentence in ten, to test on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("min_count", self.min_count is None or self.min_count >= 1, "at least 1")
        self.require("sentences", self.sentences is None or self.sentences >= 1, "at least 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagRequest(Request):
    """What the user asked for."""

    task = "tag"
    data_config = TagDataConfig
    PATHS = (*Request.PATHS, "vectors", "language_models")

    data: TagDataConfig = TagDataConfig()
    vectors: str | None = None
    """Initial word vectors (a folder of elman's, or a file of word2vec, fastText or GloVe)."""
    language_models: tuple[str, ...] = ()
    """Folders of language models whose states are features of words (``--from``)."""
    continues: str | None = None
    """The folder of a tagger whose training goes on (``--from``)."""
    rival: bool = True
    """Whether a tagger that counts words and suffixes is trained for comparison."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "language_models", tuple(self.language_models))
        usual = TaggerConfig().context_size
        if self.fixed.config.get("context_size", usual) != usual and not self.language_models:
            raise UsageError("--context-size is for what language models give; add --from LANGUAGE_MODEL")

    def other_files(self) -> list[str]:
        return [file for file in (self.vectors, self.continues, *self.language_models) if file is not None]
