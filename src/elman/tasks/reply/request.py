"""ReplyRequest: a user's request to train a dual encoder of messages and replies."""

import dataclasses

from elman.data.dialogues import DialoguesConfig
from elman.tasks.request import Request
from elman.text.token_settings import TokenSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyDataConfig(DialoguesConfig, TokenSettings):
    """How dialogues are read and cut into tokens."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyRequest(Request):
    """What the user asked for."""

    task = "reply"
    data_config = ReplyDataConfig

    data: ReplyDataConfig = ReplyDataConfig()
    rival: bool = True
    """Whether TF-IDF is compared."""
