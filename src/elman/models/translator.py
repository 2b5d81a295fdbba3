"""The network of a translator: an encoder reads the source, a decoder writes the target.

    source [B, S] -> embedding -> stacks in both directions h [B, S, D], which ``DecoderNetwork`` looks at

The decoder starts from the encoder's outputs after it has read everything in each direction. A
source ends with `</s>`.
"""

import torch
from torch import Tensor

from elman.models.decoder import DecoderDrops, DecoderNetwork, ReadSource
from elman.models.pair_batch import PairBatch
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding


class TranslatorNetwork(DecoderNetwork):
    """A network from a source to the probabilities of its target.

    Weights of the encoder are named ``source.* forward.* backward.*``.
    """

    def __init__(self, config: TranslatorConfig, sizes: TranslatorSizes, *, drops: DecoderDrops | None = None) -> None:
        super().__init__(config, sizes.target, drops)
        self.config, self.sizes = config, sizes
        self.source = (
            None if config.joint else Embedding(sizes.source, config.embedding_size, type_drop=self.drops.embedding)
        )
        self.make_stacks(config, config.embedding_size, self.drops)
        self.make_decoder()

    def read_batch(self, data: PairBatch, masks: Masks | None = None) -> ReadSource:
        device = self.output.bias.device
        ids, lengths = (torch.from_numpy(part).to(device) for part in data[:2])
        return self.encode(ids, lengths, masks)

    def encode(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> ReadSource:
        """Read sources ``ids[B, S]`` with ``lengths[B]`` real tokens, which end with `</s>`."""
        real = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
        table = self.embedding if self.source is None else self.source
        values = self.read(table(ids.masked_fill(~real, table.vocab), masks), lengths, masks)
        last = values[torch.arange(len(ids), device=ids.device), lengths - 1, : self.config.top_size]
        return self.remembered(values, lengths, torch.cat([last, values[:, 0, self.config.top_size :]], -1))
