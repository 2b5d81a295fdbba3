"""The network of a reader: scores for the first and the last word of an answer in a passage.

It is the document reader of Chen and others, Reading Wikipedia to Answer Open-Domain Questions
(2017), over any cell:

    question: words -> stacks -> one vector, the mean of its outputs with learned weights
    passage:  words, the question's words that each is like (attention), matches -> linear -> stacks
    score of a word: its output times a matrix times the question's vector; one matrix for the first
    word of an answer, one for the last

Both texts begin with `<s>`. That of the passage stands for "no answer", as in Devlin and others,
BERT (2019).
"""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.neural import Drops
from elman.models.reader_batch import ReaderBatch
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import FEATURES
from elman.models.stored_weights import StoredWeights
from elman.models.tagger import SubwordBag
from elman.models.token_encoder import TokenEncoder, is_padding
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.loss import Loss
from elman.nn.recurrent import spread


@dataclasses.dataclass(frozen=True)
class ReaderDrops(Drops):
    """Dropout rates in training."""

    subwords: float = 0.0
    """N-grams of characters."""
    words: NDArray[np.float32] | None = None
    """How often each word is read as unknown ``[V + 1]``."""


class _Side(TokenEncoder):
    """The stacks that read one of both texts."""

    def __init__(self, config: ReaderConfig, drops: Drops) -> None:
        super().__init__()
        self.make_stacks(config, config.input_size, drops)


class ReaderNetwork(StoredWeights):
    """A network from questions and passages to scores, of V word ids.

    Weights are named ``embedding.* subwords.* align.* question.* attention.* combine.* passage.*
    first.* last.*``.
    """

    def __init__(self, config: ReaderConfig, vocab_size: int, *, drops: ReaderDrops | None = None) -> None:
        super().__init__()
        drops = drops or ReaderDrops()
        self.config, self.vocab_size = config, vocab_size
        self.word_drops = None if drops.words is None else torch.from_numpy(drops.words)
        self.embedding = Embedding(vocab_size, config.embedding_size, type_drop=drops.embedding, sparse=True)
        self.subwords = SubwordBag(config.buckets, config.subword_size, drop=drops.subwords)
        self.align = nn.Linear(config.word_size, config.align_size)
        self.question = _Side(config, drops)
        self.attention = nn.Linear(config.token_size, 1, bias=False)
        self.combine = nn.Linear(2 * config.word_size + FEATURES, config.input_size)
        self.passage = _Side(config, drops)
        self.first = nn.Linear(config.token_size, config.token_size, bias=False)
        self.last = nn.Linear(config.token_size, config.token_size, bias=False)
        with torch.no_grad():
            for layer in (self.align, self.combine, self.first, self.last):
                spread(layer.weight, layer.in_features, None)
            for layer in (self.align, self.combine):
                layer.bias.zero_()
            # All words have equal weights at first.
            self.attention.weight.zero_()

    @torch.no_grad()
    def begin(self, vectors: NDArray[np.float32] | None) -> None:
        """Begin with embeddings of the word ids ``[V, E]``."""
        if vectors is not None:
            self.embedding.begin(torch.from_numpy(vectors))

    def weights(self) -> dict[str, nn.Parameter]:
        """The weights by the names under which they are stored."""
        return {name.replace("_stack.", ".", 1): parameter for name, parameter in self.named_parameters()}

    def scores(self, data: ReaderBatch, masks: Masks | None = None) -> tuple[Tensor, Tensor]:
        """The scores of the first and of the last word of an answer ``[B, 1 + T]`` each, float32.

        Column 0 is "no answer". Padding has minus infinity, and so has column 0 where training has
        an answer to every question.
        """
        device = self.attention.weight.device
        arrays = (torch.from_numpy(part).to(device) for part in data)
        question, question_lengths, passage, lengths, features, _, ids, starts, buckets = arrays
        table = F.pad(self.subwords(starts, buckets, masks), (0, 0, 0, 1))
        asked = self._words(question, question_lengths, ids, table, masks)
        read = self._words(passage, lengths, ids, table, masks)
        aligned = self._aligned(read, asked, question_lengths)
        inputs = torch.cat([read, aligned, F.pad(features, (0, 0, 1, 0)).to(read)], dim=-1)
        tokens = self.passage.read(self.combine(inputs), lengths + 1, masks)
        outputs = self.question.read(asked, question_lengths + 1, masks)
        with torch.autocast(device.type, enabled=False):
            tokens, outputs = tokens.float(), outputs.float()
            weights = self.attention(outputs).masked_fill(is_padding(outputs, question_lengths), -torch.inf).softmax(1)
            vector = (weights * outputs).sum(1)
            shut = is_padding(tokens, lengths).squeeze(-1)
            shut[:, 0] = not self.config.unanswerable
            each = (torch.einsum("btd,bd->bt", tokens, matrix(vector)) for matrix in (self.first, self.last))
            first, last = (scores.masked_fill(shut, -torch.inf) for scores in each)
        return first, last

    def _words(self, words: Tensor, lengths: Tensor, ids: Tensor, table: Tensor, masks: Masks | None) -> Tensor:
        """The vectors of `<s>` and of words ``[B, 1 + T, E + S]``."""
        real = torch.arange(words.shape[1], device=words.device) < lengths.unsqueeze(1)
        own = ids[words]
        if masks is not None and self.word_drops is not None:
            drops = self.word_drops.to(words.device)
            own = own.masked_fill(masks.uniform(*own.shape, rows=0).to(words.device) < drops[own], 0)
        own = F.pad(own.masked_fill(~real, self.vocab_size), (1, 0), value=self.vocab_size)
        places = F.pad(words.masked_fill(~real, len(table) - 1), (1, 0), value=len(table) - 1)
        return torch.cat([self.embedding(own, masks), F.embedding(places, table)], dim=-1)

    def _aligned(self, read: Tensor, asked: Tensor, question_lengths: Tensor) -> Tensor:
        """For each word of the passage the mean of the question's words, weighted by likeness."""
        scores = torch.relu(self.align(read)) @ torch.relu(self.align(asked)).transpose(1, 2)
        padding = is_padding(asked, question_lengths).transpose(1, 2)
        return scores.masked_fill(padding, -torch.inf).softmax(-1) @ asked

    def loss(self, data: ReaderBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of the first and the last words of a batch, and its number of questions."""
        answers = torch.from_numpy(data.answers).to(self.attention.weight.device)
        both = zip(self.scores(data, masks), answers.T, strict=True)
        nats = [F.cross_entropy(scores, right, reduction="sum") for scores, right in both]
        return Loss(nats[0] + nats[1], float(data.rows))
