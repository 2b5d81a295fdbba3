"""A decoder with attention over what an encoder has read; translators and captioners share it.

    encoder's outputs h [B, S, D] -> keys [B, S, A]
    `<s>`, target [B, T] -> embedding [, a of the step before] -> stack q [B, T, H]
        -> context c [B, T, D] by attention over h -> a = tanh(W [q; c]) [B, T, E] -> output [B, T, V]

The decoder starts from ``tanh(W s + b)``, where s is the encoder's summary. A target ends with
`</s>`.
"""

import dataclasses
from abc import abstractmethod
from typing import Protocol

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.decoder_config import DecoderConfig
from elman.models.neural import Drops, make_stack
from elman.models.token_encoder import TokenEncoder
from elman.nn import dropout
from elman.nn.attention import Attention
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.loss import Loss
from elman.nn.output import Output, rows_of
from elman.nn.recurrent import spread


@dataclasses.dataclass(frozen=True)
class DecoderDrops(Drops):
    """Dropout rates, and other noise of training."""

    output: float = 0.0
    """Units of the vector from which a token is predicted."""
    smoothing: float = 0.0
    """Label smoothing: the share of the probability that is wanted for all types alike."""
    sampling: float = 0.0
    """Scheduled sampling: the share of target tokens that the decoder reads as it predicts them
    itself."""


class TargetBatch(Protocol):
    """A batch of sources, whatever they are, with their targets."""

    @property
    def target(self) -> NDArray:
        """``[B, T]``; any ids at padding."""
        ...

    @property
    def target_lengths(self) -> NDArray:
        """Real tokens ``[B]``, at least 1."""
        ...


@dataclasses.dataclass(frozen=True)
class ReadSource:
    """What the decoder knows of B sources."""

    values: Tensor
    """Outputs of the encoder ``[B, S, D]``."""
    keys: Tensor | None
    """Keys of attention ``[B, S, A]``, if there is any."""
    lengths: Tensor
    """Real outputs ``[B]``."""
    state: tuple[Tensor, ...]
    """The decoder's first state."""


class DecoderNetwork(TokenEncoder):
    """A network from a source to the probabilities of its target.

    A subclass draws its own weights between ``__init__`` and ``make_decoder``. Those of the decoder
    are named ``embedding.* begin.* stack.* attention.* combine.* output.*``.

    Args:
        target: types of the target (V).
    """

    def __init__(self, config: DecoderConfig, target: int, drops: DecoderDrops | None) -> None:
        super().__init__()
        self.drops = drops or DecoderDrops()
        self.decoder_config, self.types = config, target
        dropout.check("output dropout", self.drops.output)
        self.embedding = Embedding(target, config.embedding_size, type_drop=self.drops.embedding)

    def make_decoder(self) -> None:
        """Draw the weights of the decoder."""
        config = self.decoder_config
        self.begin = nn.Linear(config.token_size, config.begin_size) if config.begin_size else None
        self.stack = make_stack(config, config.step_size, self.drops)
        self.attention: Attention | None = None
        read = config.top_size
        if config.attends:
            self.attention = Attention(
                additive=config.attention == "additive",
                queries=config.top_size,
                values=config.token_size,
                keys=config.key_size,
            )
            read += config.token_size
        self.combine = nn.Linear(read, config.embedding_size, bias=False)
        self.output = Output(config.embedding_size, self.types, tied=self.embedding if config.tied else None)
        with torch.no_grad():
            spread(self.combine.weight, read, None)
            if self.begin is not None:
                spread(self.begin.weight, config.token_size, None)
                self.begin.bias.zero_()

    @abstractmethod
    def read_batch(self, data: TargetBatch, masks: Masks | None = None) -> ReadSource:
        """Read the sources of a batch."""

    def remembered(self, values: Tensor, lengths: Tensor, whole: Tensor) -> ReadSource:
        """What the decoder knows of sources.

        Args:
            values: the encoder's outputs ``[B, S, D]``.
            lengths: real ones ``[B]``.
            whole: their summary ``[B, D]``.
        """
        state = self.stack.initial_state(len(values))
        if self.begin is not None:
            state = self.begin(whole).tanh().split([part.shape[1] for part in state], -1)
        keys = None if self.attention is None else self.attention.keys(values)
        return ReadSource(values, keys, lengths, tuple(state))

    def decode(
        self, inputs: Tensor, lengths: Tensor, source: ReadSource, masks: Masks | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The vectors ``[B, T, E]`` from which tokens are predicted after each of ``inputs[B, T]``,
        and the weights of attention ``[B, T, S]``, if there is any."""
        config = self.decoder_config
        x = self.embedding(inputs, masks)
        if not config.input_feeding:
            top, _ = self.stack(x, source.state, None, lengths, masks)
            return self.attend(top, source, masks)
        state, fed = source.state, x.new_zeros(len(x), 1, config.embedding_size)
        vectors, weights = [], []
        for now in x.split(1, 1):
            top, state = self.stack(torch.cat([now, fed.to(now.dtype)], -1), state, None, None, masks)
            fed, looked = self.attend(top, source, None)
            vectors.append(fed)
            weights.append(looked)
        y = dropout.locked(torch.cat(vectors, 1), self.drops.output, masks)
        return y, torch.cat(weights, 1) if config.attends else None

    def attend(self, top: Tensor, source: ReadSource, masks: Masks | None) -> tuple[Tensor, Tensor | None]:
        """From the decoder's outputs ``top[B, T, H]`` on, as in ``decode``."""
        read, weights = top, None
        if self.attention is not None:
            assert source.keys is not None
            context, weights = self.attention(top, source.keys, source.values, source.lengths)
            read = torch.cat([top, context.to(top.dtype)], -1)
        return dropout.locked(self.combine(read).tanh(), self.drops.output, masks), weights

    def begun(self, target: Tensor) -> Tensor:
        """What the decoder reads in order to predict ``target[B, T]``: `<s>`, then each token but
        the last."""
        return F.pad(target[:, :-1], (1, 0), value=self.types)

    def loss(self, data: TargetBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of the target tokens, `</s>` among them, and their number."""
        device = self.output.bias.device
        target, lengths = (torch.from_numpy(part).to(device) for part in (data.target, data.target_lengths))
        target = target.masked_fill(torch.arange(target.shape[1], device=device) >= lengths.unsqueeze(1), -1)
        source = self.read_batch(data, masks)
        inputs = self.begun(target.clamp(min=0))
        if masks is not None and self.drops.sampling:
            inputs = self._sampled(inputs, lengths, source, masks)
        y, _ = self.decode(inputs, lengths, source, masks)
        total, count = self.output.loss(y, target, masks)
        if masks is not None and self.drops.smoothing:
            total = total + self.drops.smoothing * self._excess(y, target)
        return Loss(total, float(count))

    def _excess(self, y: Tensor, target: Tensor) -> Tensor:
        """How much more nats all types have on average than the target, summed over tokens.

        The normalisers of the softmax cancel, so this is the difference of the scores.
        """
        rows, wanted = rows_of(y, target)
        table = self.output.table()[: self.types]
        with torch.autocast(y.device.type, enabled=False):
            score = (rows.float() * (table[wanted] - table.mean(0))).sum()
            return score + (self.output.bias[wanted] - self.output.bias.mean()).sum()

    def _sampled(self, inputs: Tensor, lengths: Tensor, source: ReadSource, masks: Masks) -> Tensor:
        """Inputs of which a share is replaced by what the decoder predicts there (Bengio et al.
        2015), all steps at once (Duckworth et al. 2019)."""
        with torch.no_grad():
            y, _ = self.decode(inputs, lengths, source, masks)
            likeliest = F.linear(y.float(), self.output.table()[: self.types], self.output.bias).argmax(-1)
        chosen = masks.uniform(*inputs.shape, rows=0).to(inputs.device) < self.drops.sampling
        chosen[:, 0] = False
        return torch.where(chosen, F.pad(likeliest[:, :-1], (1, 0)), inputs)

    @torch.no_grad()
    def begin_output(self, probs: NDArray) -> None:
        """Start from the frequencies of the target's types ``[V]``."""
        self.output.begin(torch.from_numpy(probs).float())

    @torch.no_grad()
    def log_probs(self, data: TargetBatch) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities of all types for each target token ``[B, T, V]``, and weights
        ``[B, T, S]``."""
        target, lengths = torch.from_numpy(data.target), torch.from_numpy(data.target_lengths)
        y, weights = self.decode(self.begun(target), lengths, self.read_batch(data))
        return self.output.log_probs(y), weights
