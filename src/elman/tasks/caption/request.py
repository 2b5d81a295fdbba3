"""CaptionRequest: a user's request to train a captioner."""

import dataclasses
import os

from elman.data.captions import CaptionsConfig
from elman.errors import UsageError
from elman.tasks.request import Request
from elman.tasks.target_tokens import TargetTokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionDataConfig(CaptionsConfig, TargetTokens):
    """How pictures and captions are read, and what the tokens of captions are."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionRequest(Request):
    """What the user asked for."""

    task = "caption"
    data_config = CaptionDataConfig

    data: CaptionDataConfig = CaptionDataConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise UsageError("no captions were given; name a file of pictures and captions")
        if self.data.images is not None:
            # So that resuming works from anywhere.
            object.__setattr__(self, "data", self.data.replace(images=os.path.abspath(self.data.images)))

    def other_files(self) -> list[str]:
        return [] if self.data.images is None else [self.data.images]
