"""The forecaster in torch: windows of series to quantiles of the steps after them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.data.series_windows import Windows
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes
from elman.models.forecaster_equations import input_of, positive_inverse, quantiles_of, weight_shapes
from elman.models.neural import make_stack
from elman.models.stored_weights import DeclaredWeights
from elman.nn import dropout
from elman.nn.dropout import Masks
from elman.nn.loss import Loss
from elman.nn.recurrent import spread

State = tuple[Tensor, ...]


class ForecastNetwork(DeclaredWeights):
    """The network; weights are named ``input.* dense.* output.* wide.weight stack.*``.

    >>> config = ForecasterConfig(hidden_size=4, context_window=6, patch=2)
    >>> sizes = ForecasterSizes(horizon=5, quantiles=3, middle=1)
    >>> network = ForecastNetwork(config, sizes, levels=(0.1, 0.5, 0.9))
    >>> tuple(network.quantiles(torch.zeros(7, 3, 4), torch.zeros(7, 6)).shape)
    (7, 3, 5)
    """

    def __init__(
        self, config: ForecasterConfig, sizes: ForecasterSizes, *, levels: tuple[float, ...], drop: float = 0.0
    ) -> None:
        """Draw the starting weights.

        Args:
            levels: of the quantiles.
            drop: dropout of hidden units.

        Raises:
            UsageError: a dropout outside [0, 1).
        """
        super().__init__()
        assert len(levels) == sizes.quantiles, (levels, sizes)
        self.config, self.sizes = config, sizes
        self.drop = dropout.check("dropout", drop)
        self.levels = levels
        for name, shape in weight_shapes(config, sizes):
            weight = nn.Parameter(torch.zeros(shape))
            if name in ("input.weight", "dense.weight"):
                spread(weight, shape[1], None)
            self.declare(name, weight)
        self.stack = make_stack(config, config.embedding_size)

    @torch.no_grad()
    def begin(self, wide: NDArray[np.floating], offsets: NDArray[np.floating]) -> None:
        """Start from a linear forecast.

        Args:
            wide: of the median ``[H, Z]``.
            offsets: what each quantile adds to it ``[Q, H]``, rising.
        """
        middle = self.sizes.middle
        distances = np.maximum(np.diff(offsets, axis=0), 1e-3)
        rows = [positive_inverse(row) for row in distances]
        bias = np.stack([*rows[:middle], offsets[middle], *rows[middle:]])
        weights = self.weights()
        weights["wide.weight"].copy_(torch.from_numpy(wide.astype(np.float32)))
        weights["output.bias"].copy_(torch.from_numpy(bias.astype(np.float32).ravel()))

    def quantiles(self, patches: Tensor, row: Tensor, masks: Masks | None = None) -> Tensor:
        """The scaled quantiles ``[B, Q, H]`` of windows ``[B, T, D]``, ``[B, Z]``."""

        def keep(x: Tensor) -> Tensor:
            return x if masks is None or not self.drop else x * masks.keep(*x.shape, drop=self.drop, rows=0).to(x)

        tops, _ = self.stack(input_of(patches, self.declared), self.stack.initial_state(len(patches)))
        return torch.stack(quantiles_of(tops[:, -1], row, self.declared, self.config, self.sizes, keep), dim=1)

    def loss(self, data: Windows, state: State, masks: Masks | None = None) -> Loss:
        """Twice the pinball loss, a sum over windows of means over quantiles and known steps."""
        device = self.weights()["output.bias"].device
        patches, row, targets, known = (torch.from_numpy(part).to(device) for part in data[:4])
        distance = targets[:, None] - self.quantiles(patches, row, masks).float()
        levels = torch.tensor(self.levels, device=device)[:, None]
        pinball = torch.maximum(levels * distance, (levels - 1) * distance)
        each = (2 * pinball.mean(1) * known).sum(1) / known.sum(1).clamp(min=1)
        return Loss(each.sum(), float(len(each)), state)
