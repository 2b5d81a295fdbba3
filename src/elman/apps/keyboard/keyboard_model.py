"""One of the models of a keyboard."""

from typing import NamedTuple

from elman.models.protocol import LanguageModel
from elman.text.speller import Speller


class KeyboardModel(NamedTuple):
    """A model, and what spells the words that it does not know."""

    lm: LanguageModel
    speller: Speller
