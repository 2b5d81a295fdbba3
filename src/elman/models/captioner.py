"""The network of a captioner: stacks sweep over the rows of a picture and then over its columns, in
both directions (Visin et al. 2015, "ReNet"), and a decoder that looks at all positions writes the
caption.

    patches p [B, R, C, P] -> e = tanh(W p + b) [B, R, C, E] -> rows r [B, R, C, D]
        -> e + V r [B, R, C, E] -> columns h [B, R C, D]

After both sweeps each position knows of the whole picture. ``DecoderNetwork`` looks at them, and
starts from their mean.
"""

import torch
from torch import Tensor, nn

from elman.models.captioner_config import CaptionerConfig, CaptionerSizes
from elman.models.decoder import DecoderDrops, DecoderNetwork, ReadSource
from elman.models.picture_batch import PictureBatch
from elman.models.token_encoder import TokenEncoder
from elman.nn import dropout
from elman.nn.dropout import Masks
from elman.nn.recurrent import spread


class CaptionerNetwork(DecoderNetwork):
    """A network from a picture to the probabilities of its caption.

    Weights of the encoder are named ``patches.* rows.* between.* columns.*``.
    """

    def __init__(self, config: CaptionerConfig, sizes: CaptionerSizes, *, drops: DecoderDrops | None = None) -> None:
        super().__init__(config, sizes.target, drops)
        self.config, self.sizes = config, sizes
        self.patches = nn.Linear(sizes.patch, config.embedding_size)
        with torch.no_grad():
            spread(self.patches.weight, sizes.patch, None)
            self.patches.bias.zero_()
        self.rows, self.columns = TokenEncoder(), TokenEncoder()
        self.rows.make_stacks(config, config.embedding_size, self.drops)
        self.between = nn.Linear(config.token_size, config.embedding_size, bias=False)
        self.columns.make_stacks(config, config.embedding_size, self.drops)
        self.make_decoder()

    def read_batch(self, data: PictureBatch, masks: Masks | None = None) -> ReadSource:
        patches = torch.from_numpy(data.patches).to(self.output.bias.device)
        batch, rows, columns, _ = patches.shape
        x = self.patches(patches).tanh().flatten(1, 2)
        x = dropout.locked(x, self.drops.input, masks).unflatten(1, (rows, columns))
        # Masks are of pictures, but a sweep reads lines: it drops nothing itself.
        x = x + self.between(_swept(self.rows, x))
        x = _swept(self.columns, x.transpose(1, 2)).transpose(1, 2)
        values = dropout.locked(x.flatten(1, 2), self.drops.between, masks)
        lengths = torch.full((batch,), rows * columns, device=values.device)
        return self.remembered(values, lengths, values.mean(1))


def _swept(stacks: TokenEncoder, x: Tensor) -> Tensor:
    """The outputs ``[B, L, S, D]`` of stacks along each of L lines of ``x[B, L, S, E]``."""
    lines = x.flatten(0, 1)
    lengths = torch.full((len(lines),), x.shape[2], device=x.device)
    return stacks.read(lines, lengths, None).unflatten(0, x.shape[:2])
