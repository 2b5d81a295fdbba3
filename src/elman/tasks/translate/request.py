"""TranslateRequest: a user's request to train a translator."""

import dataclasses

from elman.data.pair_filters import FilterConfig
from elman.data.pairs import PairsConfig, named_files
from elman.errors import UsageError
from elman.tasks.request import Request
from elman.tasks.target_tokens import TargetTokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateDataConfig(PairsConfig, FilterConfig, TargetTokens):
    """How pairs of texts are read, and what their tokens are."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateRequest(Request):
    """What the user asked for."""

    task = "translate"
    data_config = TranslateDataConfig

    data: TranslateDataConfig = TranslateDataConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        sources, data = named_files(self.sources, self.data)
        if not sources:
            raise UsageError("no pairs were given; name a file of pairs, or --source FILE --target FILE")
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "data", data)
