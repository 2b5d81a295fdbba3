"""A part of a runtime's graph through onnxruntime, with the same calls as a tape (``elman.models.tape``)."""

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError, ModelError


class Session:
    """From whole numbers and vectors by name to vectors by name.

    Args:
        model: a checked ONNX model.
        weights: the float32 weights that it takes from outside.
        whole: bounds of the whole-number inputs (least, most), checked at every call.

    Raises:
        FolderError: onnxruntime does not take it.
    """

    def __init__(
        self, model: bytes, weights: Mapping[str, NDArray[Any]], *, whole: Mapping[str, tuple[int, int]], threads: int
    ) -> None:
        # Read at the first import. Without it, onnxruntime writes a device id and looks up a telemetry host.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        onnxruntime: Any = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Threads that wait should sleep: a second busy process would halve the speed of both.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        if weights:
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
            options.add_external_initializers(list(weights), values)
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a tree of its own
            short = " ".join(str(error).split())[:120]
            raise FolderError(
                f"onnxruntime does not take the program ({short}); make it again with `elman export`"
            ) from error
        self._whole = {each.name: whole[each.name] for each in self._session.get_inputs() if each.name in whole}
        self.inputs = {each.name: each.shape[-1] for each in self._session.get_inputs() if each.name not in whole}
        """Sizes of the vectors that come in."""
        self.outputs = {
            each.name: each.shape[-1] if len(each.shape) == 2 else 1 for each in self._session.get_outputs()
        }
        """Sizes of the vectors that come out."""

    def run(
        self, whole: Mapping[str, NDArray[np.int64]], vectors: Mapping[str, NDArray[np.float32]], wanted: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """The ``wanted`` outputs, ``[N, size]`` or ``[N]``.

        Raises:
            ModelError: a whole number that is out of bounds, or sizes in the program that do not fit each other.
        """
        given = {name: whole[name] for name in self._whole}
        for name, ids in given.items():
            least, most = self._whole[name]
            if len(ids) and not (least <= ids.min() and ids.max() <= most):
                raise ModelError(f"ids go from {least} to {most}; {ids.min()} to {ids.max()} were given")
        given |= {name: vectors[name] for name in self.inputs}
        try:
            return self._session.run(list(wanted), given)
        except Exception as error:  # onnxruntime has a tree of its own
            short = " ".join(str(error).split())[:120]
            raise ModelError(f"the program does not run ({short}); make it again with `elman export`") from error
