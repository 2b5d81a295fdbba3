"""ParameterVector: weights and gradients of a network as flat vectors, for fast updates.

Dynamic evaluation updates after every twenty tokens, not after thousands as in training, so the
overhead of an update matters. Gradients are written directly into one long vector.
"""

import copy
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from elman.models.neural import Network
from elman.nn.embedding import Embedding
from elman.nn.output import Output


class Lesson(NamedTuple):
    """The results along the segment; the gradient is in the ParameterVector."""

    y: Tensor
    """The last layer's outputs, ``[B, T, H]``."""
    log_probs: Tensor
    """Log-probabilities of every type, ``[B, T, V]`` (nats)."""
    state: tuple[Tensor, ...]
    """The network's state after the segment."""


class ParameterVector:
    """A copy of a network whose weights, and their gradients, are one long vector each, ``[P]``."""

    def __init__(self, network: Network) -> None:
        self.network = copy.deepcopy(network).eval()
        parameters = dict(self.network.named_parameters())
        self.trained = torch.cat([parameter.detach().reshape(-1) for parameter in parameters.values()])
        """The trained weights."""
        self.weights = self.trained.clone()
        """The current weights; writing here changes the network."""
        self.gradient = torch.zeros_like(self.trained)
        """The gradient of the last segment's mean nats per token."""
        self._gradients: dict[str, Tensor] = {}
        ends = accumulate((parameter.numel() for parameter in parameters.values()), initial=0)
        for (name, parameter), (start, stop) in zip(parameters.items(), pairwise(ends), strict=True):
            parameter.data = self.weights[start:stop].view(parameter.shape)
            self._gradients[name] = self.gradient[start:stop].view(parameter.shape)
        self._plain = type(self.network.output) is Output and type(self.network.embedding) is Embedding

    def learn(self, inputs: Tensor, targets: Tensor, state: tuple[Tensor, ...]) -> Lesson:
        """Read ``inputs[B, T]``, and write the gradient of the mean loss of ``targets[B, T]`` to
        ``gradient``.
        """
        return self._learn_plain(inputs, targets, state) if self._plain else self.autograd(inputs, targets, state)

    def autograd(self, inputs: Tensor, targets: Tensor, state: tuple[Tensor, ...]) -> Lesson:
        """As ``learn``, by plain autograd: for any network, and the reference of the fast path."""
        with torch.enable_grad():
            y, after = self.network(inputs, state)
            log_probs = self.network.output.log_probs(y)
            cost = -log_probs.gather(2, targets.unsqueeze(2)).mean()
        gradients = torch.autograd.grad(
            cost, list(self.network.parameters()), allow_unused=True, materialize_grads=True
        )
        for own, gradient in zip(self._gradients.values(), gradients, strict=True):
            own.copy_(gradient.to_dense() if gradient.is_sparse else gradient)
        return Lesson(y.detach(), log_probs.detach(), tuple(part.detach() for part in after))

    def _learn_plain(self, inputs: Tensor, targets: Tensor, state: tuple[Tensor, ...]) -> Lesson:
        """``learn`` for full output and input tables, tied or not.

        The gradient of the output table is one product, written in place; that of the input table
        has few rows that are not zero. Autograd would fill and add whole tables.
        """
        network, own = self.network, self._gradients
        weights = dict(network.named_parameters())
        tied = "output.weight" not in weights
        table = "embedding.weight" if tied else "output.weight"
        x = network.embedding(inputs).detach().requires_grad_()
        with torch.enable_grad():
            y, after = network.stack(x, state)
        rows = y.detach().reshape(-1, y.shape[-1])
        vocab = network.vocab_size
        with torch.no_grad():
            log_probs = network.output.log_probs(rows)
            # p - 1 at the target: the gradient of the loss with respect to the scores.
            d_scores = log_probs.exp()
            d_scores.scatter_add_(1, targets.reshape(-1, 1), d_scores.new_full((len(rows), 1), -1))
            d_scores /= len(rows)
            d_y = (d_scores @ weights[table][:vocab]).view(y.shape)
            torch.mm(d_scores.t(), rows, out=own[table][:vocab])
            torch.sum(d_scores, dim=0, out=own["output.bias"])
        inner = [name for name in weights if name.startswith("stack.")]
        d_x, *gradients = torch.autograd.grad(y, [x, *(weights[name] for name in inner)], d_y)
        for name, gradient in zip(inner, gradients, strict=True):
            own[name].copy_(gradient)
        embedding = own["embedding.weight"]
        embedding[vocab if tied else 0 :] = 0
        embedding.index_add_(0, inputs.reshape(-1), d_x.reshape(-1, d_x.shape[-1]))
        return Lesson(y.detach(), log_probs.view(*targets.shape, vocab), tuple(part.detach() for part in after))
