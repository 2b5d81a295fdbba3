"""TfidfConfig: how the words of documents are cut."""

import dataclasses

from elman.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class TfidfConfig(Config):
    """Settings of TF-IDF vectors of documents.

    >>> TfidfConfig(lowercase=False).to_json()
    {'lowercase': False, 'pretokenized': False}
    """

    lowercase: bool = True
    """Whether case is ignored."""
    pretokenized: bool = False
    """Whether texts are split at spaces only."""
