"""Prompts of which a model knows nothing, where that is a mistake."""

from elman.decode.completion import Completion
from elman.decode.spelling import known_ids
from elman.errors import UsageError
from elman.models.protocol import LanguageModel


def check_begun(lm: LanguageModel, found: Completion) -> None:
    """Check that words complete what was typed, or follow something that is known.

    Raises:
        UsageError: nothing in the vocabulary begins with the half-typed word, or all is unknown.
    """
    if found.unmatched:
        raise UsageError(
            f"no word in the vocabulary begins with {found.unmatched!r}; check the spelling, or end it with a space"
        )
    if not found.partial:
        check_known(lm, found.prompt, any_spelling=True)


def check_known(lm: LanguageModel, prompt: str, *, any_spelling: bool = False) -> None:
    """Check that a prompt has a known token; with ``any_spelling``, in whatever case.

    Raises:
        UsageError: it has none.
    """
    tokenizer, ids = lm.tokenizer, []
    for line in map(tokenizer.normal_form, prompt.splitlines()):
        encoded = tokenizer.encode(line)
        ids += (known_ids(tokenizer, line, encoded) if any_spelling else encoded.ids).tolist()
    if ids and not any(ids):
        raise UsageError(
            f"nothing of the prompt {prompt!r} is in this model's vocabulary; use words of the text that it was "
            "trained on, or train with --level subword"
        )
