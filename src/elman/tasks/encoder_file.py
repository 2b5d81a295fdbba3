"""The encoder of a model folder, from its file for the engine or from the trained weights."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from elman.errors import FolderError
from elman.inference.encoder import InferenceEncoder, InferenceEncoderConfig, inference_encoder
from elman.models.encoder_config import EncoderConfig
from elman.storage import folder as model_folder

if TYPE_CHECKING:
    from concurrent.futures import Future


def load_encoder(
    folder: Path,
    config: EncoderConfig,
    weights: "Future[dict[str, NDArray[Any]]]",
    *,
    vocab: int,
    outputs: int,
    engine_arrays: Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]] = dict,
) -> InferenceEncoder:
    """The encoder with V types and K outputs.

    Args:
        engine_arrays: from the trained weights to those of the engine's encoder.

    Raises:
        FolderError: the file for the engine is of another network.
    """
    if (folder / model_folder.INFERENCE_FILE).exists():
        arrays, values = model_folder.read_inference(folder, weights)
        settings = InferenceEncoderConfig.from_json(values)
        network = {name: value for name, value in config.to_json().items() if name in settings.network}
        if settings.network != network or (settings.vocab_size, settings.outputs) != (vocab, outputs):
            raise FolderError(f"{folder / model_folder.INFERENCE_FILE} is of another network; copy the folder again")
        return InferenceEncoder(arrays, settings)
    return inference_encoder(
        engine_arrays(weights.result()), config.encoder(), vocab_size=vocab, outputs=outputs, int8=()
    )
