"""What a model that reads lines from their end to their start cannot do."""

from elman.errors import UsageError
from elman.text.tokenizer import Tokenizer


def check_forward(tokenizer: Tokenizer) -> None:
    """Refuse what continues a text from its start.

    Raises:
        UsageError: the model reads each line from its end.
    """
    if tokenizer.config.is_backward:
        raise UsageError(
            "this model reads each line from its end to its start (--direction backward), so no text is continued with "
            "it; use `elman score`, `elman evaluate` or `elman train --task tag --from`"
        )
