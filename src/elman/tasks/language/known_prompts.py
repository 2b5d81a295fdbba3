"""Prompts of which a model knows nothing, where that is a mistake."""

from collections.abc import Sequence

from elman.apps.keyboard.learned_words import LearnedWords
from elman.decode.completion import Completion
from elman.decode.spelling import known_ids
from elman.errors import UsageError
from elman.models.protocol import LanguageModel


def check_begun(lms: Sequence[LanguageModel], found: Completion, *, learned: LearnedWords | None = None) -> None:
    """Check that words complete what was typed, or follow something that is known.

    Args:
        lms: the models that were asked.
        learned: the user's own words, which are known too.

    Raises:
        UsageError: nothing that is offered begins with the half-typed word, or all is unknown.
    """
    if found.unmatched:
        raise UsageError(
            f"no word in the vocabulary begins with {found.unmatched!r}; check the spelling, or end it with a space"
        )
    if found.partial or found.read_as or (learned and any(map(learned.has, found.oov))):
        return
    if not any(_has_known(lm, found.prompt, any_spelling=True) for lm in lms):
        raise _nothing_known(found.prompt)


def check_known(lm: LanguageModel, prompt: str) -> None:
    """Check that a prompt has a known token.

    Raises:
        UsageError: it has none.
    """
    if not _has_known(lm, prompt):
        raise _nothing_known(prompt)


def _has_known(lm: LanguageModel, prompt: str, *, any_spelling: bool = False) -> bool:
    """Whether a prompt has a known token, or none at all; with ``any_spelling``, in whatever
    case."""
    tokenizer, ids = lm.tokenizer, []
    for line in map(tokenizer.normal_form, prompt.splitlines()):
        encoded = tokenizer.encode(line)
        ids += (known_ids(tokenizer, line, encoded) if any_spelling else encoded.ids).tolist()
    return not ids or any(ids)


def _nothing_known(prompt: str) -> UsageError:
    return UsageError(
        f"nothing of the prompt {prompt!r} is in this model's vocabulary; use words of the text that it was "
        "trained on, or train with --level subword"
    )
