"""The training of a forecaster."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.data.series_encoding import SERIES_FILE, SeriesEncoding
from elman.errors import FolderError, MissingExtra
from elman.evaluation.fitted_rivals import ETS, MSTL, missing_rivals
from elman.models.forecaster_config import ForecasterConfig
from elman.progress import Progress
from elman.report.forecasts_page import FORECASTS_FILE, forecasts_picture
from elman.storage import folder as model_folder
from elman.storage.archive import read_sealed_json
from elman.tasks.forecast.data import ForecastData, read_data
from elman.tasks.forecast.evaluation import evaluate_part, shown_series
from elman.tasks.forecast.linear_start import fitted_linear, offsets_of
from elman.tasks.forecast.model import ForecastModel
from elman.tasks.forecast.plan import ForecastPlan
from elman.tasks.forecast.recipe import choose_config, choose_plan
from elman.tasks.forecast.request import ForecastRequest
from elman.tasks.network_job import NetworkJob, planned
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.forecaster import ForecastNetwork
    from elman.tasks.forecast.objective import WindowObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = ForecastModel

    request: ForecastRequest
    config: ForecasterConfig
    plan: ForecastPlan
    data: ForecastData

    def static_files(self) -> dict[str, bytes]:
        return {SERIES_FILE: self.data.encoding.to_bytes()}

    def make_network(self) -> "ForecastNetwork":
        from elman.models.forecaster import ForecastNetwork

        return ForecastNetwork(self.config, self.data.sizes, levels=self.data.encoding.levels)

    def begin(self, network: "ForecastNetwork") -> None:
        linear = fitted_linear(self.data, self.data.store(self.config))
        network.begin(linear.weights, linear.bias + offsets_of(linear, self.data.encoding.levels))

    def objective(self, plan: Plan, start: "Arrays | None") -> "WindowObjective":
        from elman.tasks.forecast.objective import WindowObjective

        assert isinstance(plan, ForecastPlan)
        return WindowObjective(self.config, plan, data=self.data, start=start)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.forecast.finishing import write_inference

        return write_inference(self)

    def figures(self, model: ForecastModel) -> dict[str, Any]:
        rival = self.request.rival
        linear = fitted_linear(self.data, self.data.store(self.config)) if rival else None
        return {
            name: evaluate_part(model, self.data, name, linear=linear, rival=rival, progress=self.progress).to_json()
            for name in ("valid", "test")
            if len(self.data.origins(name))
        }

    def measure_again(self) -> dict[str, Any]:
        card = read_sealed_json(model_folder.card_file(self.folder))
        try:
            stated = {rival["name"] for part in card["figures"].values() for rival in part["rivals"]}
        except (AttributeError, KeyError, TypeError) as error:
            raise FolderError("the model card's figures are not as training writes them") from error
        missing = missing_rivals()
        if missing is not None and stated & {ETS, MSTL}:
            raise MissingExtra(missing)
        return super().measure_again()

    def pictures(self) -> dict[str, bytes]:
        part = "test" if len(self.data.origins("test")) else "valid"
        return {FORECASTS_FILE: forecasts_picture(shown_series(ForecastModel.load(self.folder), self.data, part))}


def new_job(request: ForecastRequest, *, folder: Path, progress: Progress) -> ForecastJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    data = read_data(request, progress=progress)
    encoding = data.encoding
    config = choose_config(
        request.fixed.config, season=encoding.season, horizon=encoding.horizon, length=data.usual_length
    )
    windows = len(data.origins("train"))
    plan = choose_plan(request.fixed.plan, windows=windows)
    plan = planned(plan, request, examples=windows, small=True, progress=progress)
    progress.say(
        f"network: ridge regression on the last {config.context_window} values, and {config.cell} of "
        f"{config.layers_in_words} on {config.context_window // config.patch} patches of {config.patch}; {windows:,} "
        f"windows, {plan.in_words}"
    )
    return ForecastJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: ForecastRequest, *, folder: Path, config: ForecasterConfig, plan: ForecastPlan, progress: Progress
) -> ForecastJob:
    """The job of an interrupted training: what was fitted lies in the folder."""
    encoding = SeriesEncoding.from_bytes(model_folder.static_files(folder)[SERIES_FILE])
    data = read_data(request, encoding=encoding, progress=progress)
    return ForecastJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)
