"""The configuration of a text classifier, without the torch that trains it."""

import dataclasses

from elman.models.encoder_config import EncoderConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierConfig(EncoderConfig):
    """Shape of a text classifier."""

    multi_label: bool = False
    """Whether an example may have several labels, or none."""
    max_tokens: int = 400
    """Most tokens read of a text."""
