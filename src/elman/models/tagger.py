"""The network of a tagger: one score per tag for every word of a sentence.

word -> embedding [E], its n-grams' vectors, added [S], and a context [P] from language models
`<s>` and the words -> stacks [B, 1 + T, D] -> output [B, T, K] -> softmax, or CRF
"""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.encoder import Encoder, EncoderDrops
from elman.models.neural import Drops
from elman.models.sentence_batch import SentenceBatch
from elman.models.tagger_config import LETTERS, TaggerConfig
from elman.models.token_encoder import TokenEncoder
from elman.nn import dropout
from elman.nn.crf import Crf
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding, OneHot
from elman.nn.loss import Loss
from elman.nn.recurrent import spread


@dataclasses.dataclass(frozen=True)
class TaggerDrops(Drops):
    """Dropout rates in training."""

    output: float = 0.0
    """Units of each word's output, locked over the sentence."""
    subwords: float = 0.0
    """N-grams of characters."""
    words: NDArray[np.float32] | None = None
    """How often each word is read as unknown ``[V + 1]``."""


class TaggerNetwork(TokenEncoder):
    """A network from sentences to scores of K tags for each word, of V word ids.

    Weights are named ``embedding.* subwords.* context.* forward.* backward.* output.* crf.*``.

    Args:
        allowed: which tag may follow which (``nn.crf.Crf``).
        tag_weights: the weight of each tag's words ``[K]`` in the loss of a softmax; None: all
            alike.
    """

    def __init__(
        self,
        config: TaggerConfig,
        vocab_size: int,
        outputs: int,
        *,
        drops: TaggerDrops | None = None,
        allowed: NDArray[np.bool_] | None = None,
        tag_weights: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__()
        drops = drops or TaggerDrops()
        self.config, self.vocab_size, self.outputs = config, vocab_size, outputs
        self.output_drop = dropout.check("output dropout", drops.output)
        self.word_drops = None if drops.words is None else torch.from_numpy(drops.words)
        self.tag_weights = None if tag_weights is None else torch.from_numpy(tag_weights)
        self.embedding: Embedding | OneHot
        if config.input == "one-hot":
            self.embedding = OneHot(vocab_size)
        else:
            self.embedding = Embedding(vocab_size, config.embedding_size, type_drop=drops.embedding, sparse=True)
        self.subwords: SubwordBag | Encoder | None = None
        if config.character_encoder is not None:
            letter_drops = EncoderDrops(input=drops.subwords)
            self.subwords = Encoder(config.character_encoder, LETTERS, 0, drops=letter_drops)
        elif config.character_size:
            self.subwords = SubwordBag(config.buckets, config.subword_size, drop=drops.subwords)
        self.context = nn.Linear(config.language_size, config.context_size) if config.language_size else None
        self.make_stacks(config, self.embedded_size, drops)
        self.output = nn.Linear(config.token_size, outputs)
        self.crf = Crf(outputs, allowed) if config.crf else None
        with torch.no_grad():
            spread(self.output.weight, config.token_size, None)
            self.output.bias.zero_()

    @property
    def embedded_size(self) -> int:
        """Size of the vectors that the stacks read."""
        return self.config.input_size_of(self.vocab_size)

    @torch.no_grad()
    def begin(
        self,
        *,
        shares: NDArray[np.floating],
        vectors: NDArray[np.float32] | None = None,
        contexts: NDArray[np.float32] | None = None,
    ) -> None:
        """Set initial values before training.

        Args:
            shares: each tag's share of the training words ``[K]``, all above 0.
            vectors: embeddings of the word ids ``[V, E]``.
            contexts: what language models give for words ``[N, F]``; the first layer sees each of
                the F numbers with mean 0 and variance 1 over these words.
        """
        self.output.bias.copy_(torch.from_numpy(np.log(shares).astype(np.float32)))
        if vectors is not None and isinstance(self.embedding, Embedding):
            self.embedding.begin(torch.from_numpy(vectors))
        if contexts is not None and self.context is not None:
            self.context.weight /= torch.from_numpy(contexts.std(axis=0, dtype=np.float64) + 1e-3).float()
            self.context.bias.copy_(-self.context.weight @ torch.from_numpy(contexts.mean(axis=0)))

    def emissions(self, data: SentenceBatch, masks: Masks | None = None) -> Tensor:
        """One score per tag for every word ``[B, T, K]``, float32."""
        device = self.output.bias.device
        ids, words, lengths, starts, buckets = (torch.from_numpy(part).to(device) for part in data[:5])
        real = torch.arange(ids.shape[1], device=device) < lengths.unsqueeze(1)
        if masks is not None and self.word_drops is not None:
            unknown = masks.uniform(*ids.shape, rows=0).to(device) < self.word_drops.to(device)[ids]
            ids = ids.masked_fill(unknown, 0)
        ids = F.pad(ids.masked_fill(~real, self.vocab_size), (1, 0), value=self.vocab_size)
        x = self.embedding(ids, masks)
        if self.subwords is not None:
            # The last row is that of `<s>` and padding: nothing.
            table = F.pad(read_pieces(self.subwords, starts, buckets, masks), (0, 0, 0, 1))
            words = F.pad(words.masked_fill(~real, len(table) - 1), (1, 0), value=len(table) - 1)
            subwords = F.embedding(words.T, table)
            x = torch.cat([x.transpose(0, 1), subwords], -1).transpose(0, 1)
        if self.context is not None:
            assert data.contexts is not None
            # `<s>` has none.
            x = torch.cat([x, self.context(F.pad(torch.from_numpy(data.contexts).to(device), (0, 0, 1, 0)))], -1)
        y = self.read(x, lengths + 1, masks)[:, 1:]
        y = dropout.locked(y, self.output_drop, masks)
        # These products are cheap, and half precision would lose digits of the result.
        with torch.autocast(y.device.type, enabled=False):
            return self.output(y.float())

    def loss(self, data: SentenceBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of the tags of a batch, and its number of words."""
        emissions = self.emissions(data, masks)
        tags, lengths = (torch.from_numpy(part).to(emissions.device) for part in (data.tags, data.lengths))
        if self.crf is not None:
            with torch.autocast(emissions.device.type, enabled=False):
                return Loss(self.crf.nats(emissions, tags, lengths).sum(), float(max(int(data.lengths.sum()), 1)))
        real = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)
        weights = None if self.tag_weights is None else self.tag_weights.to(emissions.device)
        total = F.cross_entropy(emissions[real], tags[real], weight=weights, reduction="sum")
        count = float(data.lengths.sum()) if weights is None else float(weights[tags[real]].sum())
        return Loss(total, max(count, 1e-9))


def read_pieces(network: "SubwordBag | Encoder", starts: Tensor, pieces: Tensor, masks: Masks | None) -> Tensor:
    """The sub-word vectors ``[U, S]`` of U words with ``starts[U + 1]`` into ``pieces``: buckets of
    n-grams, or characters."""
    if isinstance(network, SubwordBag):
        return network(starts, pieces, masks)
    lengths = starts.diff()
    ids = pieces.new_zeros(len(lengths), max(int(lengths.max()), 1))
    ids[torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)] = pieces
    return network.pooled(ids, lengths, masks)


class SubwordBag(nn.Module):
    """The sum of the vectors of a word's N n-grams, ``weight[buckets, S]``, divided by sqrt(N).

    The numbers of long and short words are then of the same size. Of a mean they would be small at
    first, and the network would learn to use them late.

    Args:
        drop: share of n-grams that are left out in training.

    >>> bag = SubwordBag(4, 2)
    >>> _ = bag.weight.data.copy_(torch.eye(4, 2))
    >>> bag(torch.tensor([0, 2, 2]), torch.tensor([0, 1])).tolist()  # a word without any: zeros
    [[0.7071067690849304, 0.7071067690849304], [0.0, 0.0]]
    """

    def __init__(self, buckets: int, size: int, *, drop: float = 0.0) -> None:
        super().__init__()
        self.drop = dropout.check("subword dropout", drop)
        self.weight = nn.Parameter(torch.empty(buckets, size))
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, starts: Tensor, buckets: Tensor, masks: Masks | None = None) -> Tensor:
        """Vectors ``[U, S]`` of U words with ``starts[U + 1]`` into ``buckets``."""
        if masks is not None and self.drop:
            kept = masks.uniform(len(buckets)).to(buckets.device) >= self.drop
            starts = F.pad(kept.cumsum(0), (1, 0))[starts]
            buckets = buckets[kept]
        total = F.embedding_bag(
            buckets, self.weight, starts, mode="sum", sparse=masks is not None, include_last_offset=True
        )
        return total * starts.diff().clamp(min=1).rsqrt().to(total).unsqueeze(1)
