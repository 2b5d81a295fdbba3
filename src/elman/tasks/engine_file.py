"""The network of a model folder in the inference engine: from its file, or after an interruption
from the trained weights."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from numpy.typing import NDArray

from elman.errors import FolderError
from elman.inference.encoder import InferenceEncoder, InferenceEncoderConfig, inference_encoder
from elman.models.encoder_config import EncoderConfig
from elman.storage import folder as model_folder

if TYPE_CHECKING:
    from elman.tasks.folder_model import Weights

Arrays = dict[str, NDArray[Any]]


class EngineConfig(Protocol):
    """What the engine's file says of its network."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self: ...


C = TypeVar("C", bound=EngineConfig)
N = TypeVar("N")


def engine_network(
    folder: Path,
    weights: "Weights",
    config: type[C],
    expected: Mapping[str, Any],
    *,
    stored: Callable[[Arrays, C], N],
    made: Callable[[Arrays], N],
) -> N:
    """The engine's network.

    Args:
        config: the class of the configuration in the file.
        expected: its fields that follow from the folder's other files.
        stored: from the arrays of the file to the network.
        made: from the trained weights.

    Raises:
        FolderError: the file is of another network.
    """
    path = folder / model_folder.INFERENCE_FILE
    if not path.exists():
        return made(weights.result())
    arrays, values = model_folder.read_inference(folder, weights)
    own = config.from_json(values)
    if any(_fields(value, getattr(own, name)) != getattr(own, name) for name, value in expected.items()):
        raise FolderError(f"{path} is of another network; copy the folder again")
    return stored(dict(arrays), own)


def _fields(value: Any, own: Any) -> Any:
    """Of a configuration, the fields that the file has: later versions have more."""
    both = isinstance(value, dict) and isinstance(own, dict)
    return {name: each for name, each in value.items() if name in own} if both else value


def engine_encoder(
    folder: Path,
    weights: "Weights",
    config: EncoderConfig,
    *,
    vocab: int,
    outputs: int,
    engine_arrays: Callable[[Arrays], Arrays] = dict,
) -> InferenceEncoder:
    """The encoder with V types and K outputs.

    Args:
        engine_arrays: from the trained weights to those of the engine's encoder.

    Raises:
        FolderError: the file for the engine is of another network.
    """
    encoder = config.encoder()
    return engine_network(
        folder,
        weights,
        InferenceEncoderConfig,
        {"network": encoder.to_json(), "vocab_size": vocab, "outputs": outputs},
        stored=InferenceEncoder,
        made=lambda arrays: inference_encoder(
            engine_arrays(arrays), encoder, vocab_size=vocab, outputs=outputs, int8=()
        ),
    )
