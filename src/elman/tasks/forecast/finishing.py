"""What follows the training of a forecaster: its file for the engine with the ends of its series,
and the width of its intervals."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from elman.data.series_windows import Windows
from elman.inference.forecaster_precision import measured_forecaster
from elman.metrics.forecast import pinball
from elman.tasks.forecast.history_file import history_arrays, stored_series
from elman.tasks.forecast.linear_start import spread
from elman.tasks.forecast.model import widened

if TYPE_CHECKING:
    from elman.tasks.forecast.job import ForecastJob

_FACTORS = np.exp(np.linspace(np.log(0.5), np.log(3), 41))
_MOST_COMPARED = 2000


def write_inference(job: "ForecastJob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on calibration and on precision, for the model card.
    """
    data, encoding = job.data, job.data.encoding
    arrays, network = job.trained_weights(), job.make_network()
    network.load_arrays(arrays)
    windows = data.store(job.config).windows(*spread(data.origins("valid"), most=_MOST_COMPARED))
    with torch.no_grad():
        quantiles = network.quantiles(torch.from_numpy(windows.patches), torch.from_numpy(windows.row)).numpy()
    made = measured_forecaster(
        arrays, job.config, data.sizes, windows=windows, quantiles=quantiles, levels=encoding.levels
    )
    stored = stored_series(data, context=job.config.context_window)
    names = [each.series.name for each in stored]
    parity = job.store(made.network, made.parity, more={"arrays": history_arrays(stored), "config": {"history": names}})
    factor = fit_width(windows, made.network.quantiles(windows), encoding.levels)
    if factor != 1:
        job.progress.say(f"calibrated: intervals {factor:.2f} times as wide")
    return {"widen": factor}, parity


def fit_width(windows: Windows, quantiles: NDArray[np.floating], levels: tuple[float, ...]) -> float:
    """The factor of the distances from the median with the least quantile loss."""
    truth = np.where(windows.known > 0, windows.targets, np.nan)
    middle = levels.index(0.5)
    losses = [float(np.nanmean(pinball(truth, widened(quantiles, factor, middle), levels))) for factor in _FACTORS]
    return round(float(_FACTORS[int(np.argmin(losses))]), 4)
