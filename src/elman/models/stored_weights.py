"""StoredWeights: a torch module whose weights are arrays with names."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elman.models.weight_check import check_weights

Arrays = Mapping[str, NDArray[Any]]


class StoredWeights(nn.Module):
    """A network with weights by the names under which they are stored."""

    @classmethod
    def from_arrays(cls, arrays: Arrays, *facts: Any) -> Self:
        """The network of these weights, for use.

        Args:
            facts: configuration and sizes, the positional arguments of the class.

        Raises:
            FolderError: weights that do not fit the configuration.
        """
        # First without memory, for a hostile configuration must not allocate more than the file
        # holds.
        with torch.device("meta"):
            cls(*facts).check(arrays)
        network = cls(*facts)
        network.load_arrays(arrays)
        return network.eval()

    def weights(self) -> dict[str, nn.Parameter]:
        """The weights by the names under which they are stored."""
        return dict(self.named_parameters())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all weights by name."""
        return {name: parameter.detach().cpu().numpy().copy() for name, parameter in self.weights().items()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Set all weights.

        Raises:
            FolderError: a name, shape or type that is not this network's, or a number that is not
                finite.
        """
        self.check(arrays)
        with torch.no_grad():
            for name, parameter in self.weights().items():
                parameter.copy_(torch.from_numpy(np.array(arrays[name])))

    def check(self, arrays: Arrays) -> None:
        """Raise unless ``arrays`` are all weights of such a network.

        Raises:
            FolderError: they are not.
        """
        check_weights(arrays, {name: tuple(parameter.shape) for name, parameter in self.weights().items()})


class DeclaredWeights(StoredWeights):
    """A network with weights of its own whose names have dots, which torch's parameters cannot
    have."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, str] = {}

    def declare(self, name: str, weight: nn.Parameter) -> None:
        """Add a weight."""
        stored = name.replace(".", "_")
        self._names[stored] = name
        self.register_parameter(stored, weight)

    @property
    def declared(self) -> dict[str, nn.Parameter]:
        """These weights by name."""
        return {name: getattr(self, stored) for stored, name in self._names.items()}

    def weights(self) -> dict[str, nn.Parameter]:
        return {self._names.get(name, name): parameter for name, parameter in self.named_parameters()}
