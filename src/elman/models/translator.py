"""The network of a translator: an encoder reads the source, a decoder writes the target.

    source [B, S] -> embedding -> stacks in both directions h [B, S, D] -> keys [B, S, A]
    `<s>`, target [B, T] -> embedding [, a of the step before] -> stack q [B, T, H]
        -> context c [B, T, D] by attention over h -> a = tanh(W [q; c]) [B, T, E] -> output [B, T, V]

The decoder starts from ``tanh(W s + b)``, where s are the encoder's outputs after it has read
everything in each direction. Source and target end with `</s>`.
"""

import dataclasses

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.neural import Drops, make_stack
from elman.models.pair_batch import PairBatch
from elman.models.token_encoder import Arrays, TokenEncoder
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.nn import dropout
from elman.nn.attention import Attention
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.loss import Loss
from elman.nn.output import Output, rows_of
from elman.nn.recurrent import spread


@dataclasses.dataclass(frozen=True)
class TranslatorDrops(Drops):
    """Dropout rates, and other noise of training."""

    output: float = 0.0
    """Units of the vector from which a token is predicted."""
    smoothing: float = 0.0
    """Label smoothing: the share of the probability that is wanted for all types alike."""
    sampling: float = 0.0
    """Scheduled sampling: the share of target tokens that the decoder reads as it predicts them itself."""


@dataclasses.dataclass(frozen=True)
class ReadSource:
    """What the decoder knows of B sources."""

    values: Tensor
    """Outputs of the encoder ``[B, S, D]``."""
    keys: Tensor | None
    """Keys of attention ``[B, S, A]``, if there is any."""
    lengths: Tensor
    """Real tokens ``[B]``."""
    state: tuple[Tensor, ...]
    """The decoder's first state."""


class TranslatorNetwork(TokenEncoder):
    """A network from a source to the probabilities of its target.

    Weights are named ``embedding.* source.* forward.* backward.* attention.* begin.* stack.* combine.* output.*``.
    """

    def __init__(
        self, config: TranslatorConfig, sizes: TranslatorSizes, *, drops: TranslatorDrops | None = None
    ) -> None:
        super().__init__()
        drops = drops or TranslatorDrops()
        self.config, self.sizes, self.drops = config, sizes, drops
        dropout.check("output dropout", drops.output)
        self.embedding = Embedding(sizes.target, config.embedding_size, type_drop=drops.embedding)
        # In a tuple, a joint embedding is no second submodule.
        self.source = (
            None if config.joint else Embedding(sizes.source, config.embedding_size, type_drop=drops.embedding)
        )
        self.make_stacks(config, config.embedding_size, drops)
        self.begin = nn.Linear(config.token_size, config.begin_size) if config.begin_size else None
        self.stack = make_stack(config, config.step_size, drops)
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
        self.output = Output(config.embedding_size, sizes.target, tied=self.embedding if config.tied else None)
        with torch.no_grad():
            spread(self.combine.weight, read, None)
            if self.begin is not None:
                spread(self.begin.weight, config.token_size, None)
                self.begin.bias.zero_()

    def encode(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> ReadSource:
        """Read sources ``ids[B, S]`` with ``lengths[B]`` real tokens, which end with `</s>`."""
        real = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
        table = self.embedding if self.source is None else self.source
        values = self.read(table(ids.masked_fill(~real, table.vocab), masks), lengths, masks)
        state = self.stack.initial_state(len(ids))
        if self.begin is not None:
            last = values[torch.arange(len(ids), device=ids.device), lengths - 1, : self.config.top_size]
            whole = torch.cat([last, values[:, 0, self.config.top_size :]], -1)
            state = self.begin(whole).tanh().split([part.shape[1] for part in state], -1)
        keys = None if self.attention is None else self.attention.keys(values)
        return ReadSource(values, keys, lengths, tuple(state))

    def decode(
        self, inputs: Tensor, lengths: Tensor, source: ReadSource, masks: Masks | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The vectors ``[B, T, E]`` from which tokens are predicted after each of ``inputs[B, T]``, and the
        weights of attention ``[B, T, S]``, if there is any."""
        x = self.embedding(inputs, masks)
        if not self.config.input_feeding:
            top, _ = self.stack(x, source.state, None, lengths, masks)
            return self.attend(top, source, masks)
        state, fed = source.state, x.new_zeros(len(x), 1, self.config.embedding_size)
        vectors, weights = [], []
        for now in x.split(1, 1):
            top, state = self.stack(torch.cat([now, fed.to(now.dtype)], -1), state, None, None, masks)
            fed, looked = self.attend(top, source, None)
            vectors.append(fed)
            weights.append(looked)
        y = dropout.locked(torch.cat(vectors, 1), self.drops.output, masks)
        return y, torch.cat(weights, 1) if self.config.attends else None

    def attend(self, top: Tensor, source: ReadSource, masks: Masks | None) -> tuple[Tensor, Tensor | None]:
        """From the decoder's outputs ``top[B, T, H]`` on, as in ``decode``."""
        read, weights = top, None
        if self.attention is not None:
            assert source.keys is not None
            context, weights = self.attention(top, source.keys, source.values, source.lengths)
            read = torch.cat([top, context.to(top.dtype)], -1)
        return dropout.locked(self.combine(read).tanh(), self.drops.output, masks), weights

    def begun(self, target: Tensor) -> Tensor:
        """What the decoder reads in order to predict ``target[B, T]``: `<s>`, then each token but the last."""
        return F.pad(target[:, :-1], (1, 0), value=self.sizes.target)

    def loss(self, data: PairBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of the target tokens, `</s>` among them, and their number."""
        device = self.output.bias.device
        ids, source_lengths, target, lengths = (torch.from_numpy(part).to(device) for part in data)
        target = target.masked_fill(torch.arange(target.shape[1], device=device) >= lengths.unsqueeze(1), -1)
        source = self.encode(ids, source_lengths, masks)
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
        table = self.output.table()[: self.sizes.target]
        with torch.autocast(y.device.type, enabled=False):
            score = (rows.float() * (table[wanted] - table.mean(0))).sum()
            return score + (self.output.bias[wanted] - self.output.bias.mean()).sum()

    def _sampled(self, inputs: Tensor, lengths: Tensor, source: ReadSource, masks: Masks) -> Tensor:
        """Inputs of which a share is replaced by what the decoder predicts there (Bengio et al. 2015), all
        steps at once (Duckworth et al. 2019)."""
        with torch.no_grad():
            y, _ = self.decode(inputs, lengths, source, masks)
            likeliest = F.linear(y.float(), self.output.table()[: self.sizes.target], self.output.bias).argmax(-1)
        chosen = masks.uniform(*inputs.shape, rows=0).to(inputs.device) < self.drops.sampling
        chosen[:, 0] = False
        return torch.where(chosen, F.pad(likeliest[:, :-1], (1, 0)), inputs)

    @torch.no_grad()
    def begin_output(self, probs: NDArray) -> None:
        """Start from the frequencies of the target's types ``[V]``."""
        self.output.begin(torch.from_numpy(probs).float())

    @torch.no_grad()
    def log_probs(self, data: PairBatch) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities of all types for each target token ``[B, T, V]``, and weights ``[B, T, S]``."""
        ids, source_lengths, target, lengths = map(torch.from_numpy, data)
        y, weights = self.decode(self.begun(target), lengths, self.encode(ids, source_lengths))
        return self.output.log_probs(y), weights

    @classmethod
    def from_arrays(cls, arrays: Arrays, config: TranslatorConfig, sizes: TranslatorSizes) -> "TranslatorNetwork":
        """The network of these weights, for use.

        Raises:
            FolderError: weights that do not fit the configuration.
        """
        with torch.device("meta"):
            cls(config, sizes).check(arrays)
        network = cls(config, sizes)
        network.load_arrays(arrays)
        return network.eval()
