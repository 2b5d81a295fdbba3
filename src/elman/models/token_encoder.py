"""TokenEncoder: stacks that read sequences of vectors in one or two directions; the base of
networks that read whole texts."""

import torch
from torch import Tensor, nn

from elman.models.encoder_config import DirectionsConfig
from elman.models.neural import Drops, make_stack
from elman.models.stored_weights import Arrays as Arrays
from elman.models.stored_weights import StoredWeights
from elman.nn.bidirectional import mirrored
from elman.nn.dropout import Masks


class TokenEncoder(StoredWeights):
    """The stacks of each direction, and weights by the names under which they are stored.

    A subclass makes the vectors that the stacks read, and uses their outputs. It calls
    ``make_stacks`` where the stacks' weights are to be drawn.
    """

    def make_stacks(self, config: DirectionsConfig, inputs: int, drops: Drops) -> None:
        """Draw the weights of the stacks, which read vectors of ``inputs`` numbers."""
        # nn.Module reserves the names forward and backward; see ``weights``.
        self.forward_stack = make_stack(config, inputs, drops)
        self.backward_stack = make_stack(config, inputs, drops) if config.bidirectional else None

    def read(self, x: Tensor, count: Tensor, masks: Masks | None) -> Tensor:
        """The outputs of the stacks ``[B, T, D]`` after each of the vectors ``x[B, T, E]``; zeros
        at padding.

        Of a token's D numbers, the first half comes from the forward stack, the second from the
        backward stack, if there is one.

        Args:
            count: real vectors of each row ``[B]``.
            masks: dropout masks; None drops nothing.
        """
        y, _ = self.forward_stack(x, self.forward_stack.initial_state(len(x)), None, count, masks)
        if self.backward_stack is None:
            return y
        state = self.backward_stack.initial_state(len(x))
        backward, _ = self.backward_stack(mirrored(x, count), state, None, count, masks)
        return torch.cat([y, mirrored(backward, count)], dim=-1)

    def weights(self) -> dict[str, nn.Parameter]:
        """The weights by the names under which they are stored."""
        return {name.replace("_stack.", ".", 1): parameter for name, parameter in self.named_parameters()}


def is_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps of ``x[B, 1 + T, ..]`` are padding, ``[B, 1 + T, 1]``; the first one never is."""
    return (torch.arange(x.shape[1], device=x.device) > lengths.unsqueeze(1)).unsqueeze(-1)
