"""The training of a forecaster."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.data.series_encoding import SERIES_FILE, SeriesEncoding
from elman.errors import UsageError
from elman.models.forecaster_config import ForecasterConfig
from elman.progress import Progress
from elman.report.forecasts_page import FORECASTS_FILE, forecasts_picture
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device
from elman.tasks.forecast.data import ForecastData, read_data
from elman.tasks.forecast.evaluation import evaluate_part, shown_series
from elman.tasks.forecast.linear_start import fitted_linear, offsets_of
from elman.tasks.forecast.model import load
from elman.tasks.forecast.plan import ForecastPlan
from elman.tasks.forecast.recipe import choose_config, choose_plan
from elman.tasks.forecast.request import ForecastRequest
from elman.tasks.job import Job
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.forecast.objective import WindowObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastJob(Job):
    """The data, and what was fitted on it."""

    request: ForecastRequest
    config: ForecasterConfig
    plan: ForecastPlan
    data: ForecastData

    @property
    def data_hash(self) -> str:
        return self.data.hash

    def static_files(self) -> dict[str, bytes]:
        return {SERIES_FILE: self.data.encoding.to_bytes()}

    def first_weights(self) -> "Arrays":
        import torch

        from elman.models.forecaster import ForecastNetwork

        torch.manual_seed(self.plan.seed)
        network = ForecastNetwork(self.config, self.data.sizes, levels=self.data.encoding.levels)
        linear = fitted_linear(self.data, self.data.store(self.config))
        network.begin(linear.weights, linear.bias + offsets_of(linear, self.data.encoding.levels))
        return network.to_arrays()

    def objective(self, plan: Plan, start: "Arrays | None") -> "WindowObjective":
        from elman.tasks.forecast.objective import WindowObjective

        assert isinstance(plan, ForecastPlan)
        return WindowObjective(self.config, plan, data=self.data, start=start)

    def finish(self) -> dict[str, Any]:
        from elman.tasks.forecast.finishing import write_inference

        calibration, parity = write_inference(self)
        model = load(self.folder, finished=False)
        model.widen = calibration["widen"]
        rival = self.request.rival
        linear = fitted_linear(self.data, self.data.store(self.config)) if rival else None
        figures = {
            name: evaluate_part(model, self.data, name, linear=linear, rival=rival, progress=self.progress).to_json()
            for name in ("valid", "test")
            if len(self.data.origins(name))
        }
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        about = {
            **model.describe(),
            "parameters": sum(int(array.size) for array in arrays.values()),
            "hash": model_folder.weights_digest(self.folder),
        }
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **self.data.about()},
            "notes": list(self.data.notes),
            "calibration": calibration,
            "inference": parity,
            "figures": figures,
        }

    def pictures(self) -> dict[str, bytes]:
        part = "test" if len(self.data.origins("test")) else "valid"
        return {FORECASTS_FILE: forecasts_picture(shown_series(load(self.folder), self.data, part))}


def new_job(request: ForecastRequest, *, folder: Path, start: Path | None, progress: Progress) -> ForecastJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    if start is not None:
        raise UsageError("--from does not apply to forecast; leave it out")
    data = read_data(request, progress=progress)
    encoding = data.encoding
    config = choose_config(
        request.fixed.config, season=encoding.season, horizon=encoding.horizon, length=data.usual_length
    )
    windows = len(data.origins("train"))
    plan = choose_plan(request.fixed.plan, windows=windows)
    if request.precision == "bf16":
        raise UsageError("--precision bf16 does not apply to forecast, whose products are small; leave it out")
    choose_device(plan.device)
    plan = plan.replace(precision="fp32", threads=request.threads or available_cores())
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * windows / plan.batch)))
    progress.say(
        f"network: ridge regression on the last {config.context_window} values, and {config.cell} of "
        f"{config.layers_in_words} on {config.context_window // config.patch} patches of {config.patch}; {windows:,} "
        f"windows, batch {plan.batch}, {plan.optimizer} at {plan.rate:g}, {plan.threads} threads"
    )
    return ForecastJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: ForecastRequest, *, folder: Path, config: ForecasterConfig, plan: ForecastPlan, progress: Progress
) -> ForecastJob:
    """The job of an interrupted training: what was fitted lies in the folder.

    Raises:
        UsageError: the data came from standard input.
    """
    if "-" in (*request.sources, *request.valid, *request.test):
        raise UsageError("the rows came from standard input and are gone; train again, from a file")
    encoding = SeriesEncoding.from_bytes(model_folder.static_files(folder)[SERIES_FILE])
    data = read_data(request, encoding=encoding, progress=progress)
    return ForecastJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)
