"""One of the models of a keyboard."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.respelling import line_openers
from elman.models.protocol import LanguageModel
from elman.text.speller import Speller


class Openers:
    """The types of a model whose capital is not their own, found when they are asked for."""

    def __init__(self, lm: LanguageModel) -> None:
        self._lm = lm

    @cached_property
    def are_openers(self) -> NDArray[np.bool_]:
        """As ``elman.decode.respelling.line_openers``."""
        return line_openers(self._lm)


class KeyboardModel(NamedTuple):
    """A model, and what spells the words that it does not know."""

    lm: LanguageModel
    speller: Speller
    openers: Openers | None = None
    """Those of the model; a keyboard finds them once for all texts."""

    @property
    def line_openers(self) -> NDArray[np.bool_]:
        """The types whose capital is not their own, bool ``[V]``."""
        return (self.openers or Openers(self.lm)).are_openers
