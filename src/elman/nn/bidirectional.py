"""A recurrence in each direction: an Encoder. It reads the future, so it deliberately has no step()."""

import torch
from torch import Tensor, nn

from elman.nn.sequence import make_layer


class Bidirectional(nn.Module):
    """Both directions over each row's real steps, side by side.

    >>> encoder = Bidirectional(cell="gru", input_size=3, hidden_size=4)
    >>> y, final = encoder(torch.randn(2, 5, 3), torch.tensor([5, 2]))
    >>> tuple(y.shape), tuple(final.shape)
    ((2, 5, 8), (2, 8))
    """

    def __init__(
        self, *, cell: str, input_size: int, hidden_size: int, generator: torch.Generator | None = None
    ) -> None:
        """Raises:
        UsageError: an unknown cell.
        """
        super().__init__()
        self.forwards = make_layer(cell, input_size, hidden_size, generator=generator)
        self.backwards = make_layer(cell, input_size, hidden_size, generator=generator)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``x[B, T, D]`` to outputs ``[B, T, 2H]``, zero at padding, and the last of both, ``[B, 2H]``.

        The first H units have read up to their step from the left, the last H from the right.
        """
        batch, steps, _ = x.shape
        time = torch.arange(steps, device=x.device)
        mirror = (lengths.unsqueeze(1) - 1 - time).where(time < lengths.unsqueeze(1), time)
        rows = torch.arange(batch, device=x.device).unsqueeze(1)
        y_forwards, after_forwards = self.forwards(x, self.forwards.initial_state(batch), lengths=lengths)
        y_backwards, after_backwards = self.backwards(
            x[rows, mirror], self.backwards.initial_state(batch), lengths=lengths
        )
        y = torch.cat([y_forwards, y_backwards[rows, mirror]], dim=-1)
        return y, torch.cat([after_forwards[0], after_backwards[0]], dim=-1)
