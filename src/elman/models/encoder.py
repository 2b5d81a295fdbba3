"""The encoder network: it reads a text in one or two directions and gives one number per label.

    ids [B, T] -> `<s>` and ids -> embedding -> stacks [B, 1 + T, D]
        -> pooling [B, P] -> output [B, K]

Every text begins with `<s>` (id V), as in language models, so that their embedding and layers can
be reused. An empty text then has one token and is no special case. The backward stack reads the
same tokens from the last to the first, `<s>` at the end.
"""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.encoder_config import EncoderConfig
from elman.models.neural import Drops, embedded_size
from elman.models.token_encoder import Arrays, TokenEncoder, is_padding
from elman.nn import dropout
from elman.nn.chunked import exact_dtype
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding, OneHot
from elman.nn.recurrent import spread


@dataclasses.dataclass(frozen=True)
class EncoderDrops(Drops):
    """Dropout rates in training."""

    output: float = 0.0
    """Numbers of the pooled vector."""


class Encoder(TokenEncoder):
    """A network from texts to one number per label, of V types and K labels.

    Weights are named ``embedding.* forward.* backward.* attention.* output.* bag.*``.

    >>> _ = torch.manual_seed(0)
    >>> encoder = Encoder(EncoderConfig(hidden_size=4, embedding_size=3), vocab_size=9, outputs=2)
    >>> ids, lengths = torch.tensor([[5, 3, 8], [1, 0, 0]]), torch.tensor([3, 1])
    >>> tuple(encoder(ids, lengths).shape), tuple(encoder.logits(ids, lengths).shape)
    ((2, 4, 8), (2, 2))
    """

    def __init__(
        self,
        config: EncoderConfig,
        vocab_size: int,
        outputs: int,
        *,
        drops: EncoderDrops | None = None,
        sparse: bool = False,
    ) -> None:
        """Draw the starting weights.

        Args:
            outputs: labels (K); 0 for a network that is used by its ``pooled`` vectors.
            drops: dropout rates in training (default: none).
            sparse: whether gradients of tables hold only the rows that were looked up.

        Raises:
            UsageError: a dropout outside [0, 1).
        """
        super().__init__()
        drops = drops or EncoderDrops()
        self.config = config
        self.vocab_size = vocab_size
        self.outputs = outputs
        self.output_drop = dropout.check("output dropout", drops.output)
        self.embedding: Embedding | OneHot
        if config.input == "one-hot":
            self.embedding = OneHot(vocab_size)
        else:
            self.embedding = Embedding(vocab_size, config.embedding_size, type_drop=drops.embedding, sparse=sparse)
        self.make_stacks(config, embedded_size(config, vocab_size), drops)
        self.attention = nn.Linear(config.token_size, 1, bias=False) if config.pooling == "attention" else None
        self.output = nn.Linear(config.pooled_size, outputs) if outputs else None
        self.bag = Embedding(vocab_size, outputs, sparse=sparse) if config.bag else None
        with torch.no_grad():
            if self.output is not None:
                spread(self.output.weight, config.pooled_size, None)
                self.output.bias.zero_()
            if self.attention is not None:
                # All tokens have equal weights at first.
                self.attention.weight.zero_()
            if self.bag is not None:
                self.bag.weight.zero_()

    @torch.no_grad()
    def begin(
        self,
        *,
        shares: NDArray[np.floating] | None = None,
        vectors: NDArray[np.float32] | None = None,
        arrays: Arrays | None = None,
    ) -> None:
        """Set initial values before training.

        Args:
            shares: each label's share of the training examples ``[K]``, all above 0.
            vectors: embeddings ``[V, E]``.
            arrays: some of the weights by name, such as a language model's
                (``encoder_start.arrays_from_language_model``); the others stay as they are.

        Raises:
            FolderError: ``arrays`` with a name, shape or type that is not this network's.
        """
        if shares is not None and self.output is not None:
            self.output.bias.copy_(torch.from_numpy(np.log(shares).astype(np.float32)))
        if vectors is not None and isinstance(self.embedding, Embedding):
            self.embedding.begin(torch.from_numpy(vectors))
        if arrays is not None:
            self.load_arrays({**self.to_arrays(), **arrays})

    def forward(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> Tensor:
        """The outputs ``[B, 1 + T, D]`` after `<s>` and after each token; zeros at padding.

        Of a token's D numbers, the first half comes from the forward stack, the second from the
        backward stack, if there is one.

        Args:
            ids: ``[B, T]``, from 0 to V - 1; any numbers at padding.
            lengths: real tokens of each row ``[B]``, from 0 to T.
            masks: dropout masks; None drops nothing.
        """
        return self._tokens(self._begun(ids, lengths), lengths, masks)

    def pooled(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> Tensor:
        """One vector per text ``[B, P]``, float32. The arguments are those of ``forward``."""
        return self.pool(self(ids, lengths, masks), lengths)

    def logits(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> Tensor:
        """One number per label ``[B, K]``, float32: logits of a softmax or of sigmoids.

        The arguments are those of ``forward``.
        """
        read = self._begun(ids, lengths)
        pooled = self.pool(self._tokens(read, lengths, masks), lengths)
        if masks is not None and self.output_drop:
            pooled = pooled * masks.keep(*pooled.shape, drop=self.output_drop, rows=0).to(pooled)
        assert self.output is not None, "a network without labels"
        # These products are cheap, and half precision would lose digits of the result.
        with torch.autocast(pooled.device.type, enabled=False):
            logits = self.output(pooled)
        if self.bag is None:
            return logits
        words = self.bag(read, masks).masked_fill(is_padding(read, lengths), 0)
        return logits + self._mean(words, lengths)

    def pool(self, y: Tensor, lengths: Tensor) -> Tensor:
        """The outputs of all tokens ``[B, 1 + T, D]`` as one vector ``[B, P]`` in float32."""
        y = y.to(exact_dtype(y.dtype))
        kinds = {"mean": self._mean, "max": self._max, "last": self._last, "attention": self._attention}
        return torch.cat([kinds[kind](y, lengths) for kind in self.config.pooling.split("-")], dim=-1)

    def _mean(self, y: Tensor, lengths: Tensor) -> Tensor:
        return y.sum(1) / (lengths + 1).unsqueeze(1)

    def _max(self, y: Tensor, lengths: Tensor) -> Tensor:
        return y.masked_fill(is_padding(y, lengths), -torch.inf).amax(1)

    def _last(self, y: Tensor, lengths: Tensor) -> Tensor:
        """The backward stack reads `<s>` last."""
        size = self.config.top_size
        last = y[torch.arange(len(y), device=y.device), lengths, :size]
        return torch.cat([last, y[:, 0, size:]], dim=-1)

    def _attention(self, y: Tensor, lengths: Tensor) -> Tensor:
        assert self.attention is not None
        scores = self.attention(y).to(y.dtype).masked_fill(is_padding(y, lengths), -torch.inf)
        return (scores.softmax(1) * y).sum(1)

    def _begun(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """`<s>` and the ids ``[B, 1 + T]``; padding is replaced by `<s>`."""
        read = F.pad(ids, (1, 0), value=self.vocab_size)
        return read.masked_fill(is_padding(read, lengths).squeeze(-1), self.vocab_size)

    def _tokens(self, read: Tensor, lengths: Tensor, masks: Masks | None) -> Tensor:
        return self.read(self.embedding(read, masks), lengths + 1, masks)


def label_loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> tuple[Tensor, float]:
    """Summed nats and their divisor.

    Args:
        logits: ``[B, K]``.
        targets: the label of each text ``[B]`` (int64): cross-entropy. Or, where a text may have
            several labels, 0 or 1 for each label ``[B, K]``: binary cross-entropy of sigmoids.
        weights: of the labels ``[K]``; None counts all alike.

    Returns:
        The sum (float32, a scalar), and the sum of the weights of the B labels, or of the B K
        decisions.

    >>> total, count = label_loss(torch.zeros(3, 4), torch.tensor([0, 1, 3]))
    >>> round(total.item() / count, 4)  # untrained: ln 4
    1.3863
    """
    if targets.ndim == 1:
        total = F.cross_entropy(logits, targets, weight=weights, reduction="sum")
        return total, float(len(targets) if weights is None else weights[targets].sum())
    total = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), weight=weights, reduction="sum")
    return total, float(targets.numel() if weights is None else len(targets) * weights.sum())
