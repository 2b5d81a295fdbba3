"""The forecaster: by its definition, its start, quantiles that never cross, the engine against
torch."""

import numpy as np
import pytest
import torch

from elman.data.series_windows import Windows
from elman.errors import FolderError, ModelError, UsageError
from elman.inference.forecaster import inference_forecaster
from elman.inference.forecaster_precision import measured_forecaster
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes

LEVELS = (0.1, 0.4, 0.5, 0.9)
SIZES = ForecasterSizes(horizon=3, quantiles=4, middle=2, calendar=4, covariates=1)
CONFIG = ForecasterConfig(
    cell="gru", embedding_size=5, hidden_size=6, dense_size=7, context_window=8, patch=2
)  # fmt: skip


def windows(count: int = 5) -> Windows:
    rng = np.random.default_rng(3)

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    known = (rng.random((count, 3)) < 0.8).astype(np.float32)
    rows = numbers(count, SIZES.row_size(CONFIG))
    return Windows(numbers(count, 4, 6), rows, numbers(count, 3), known, np.zeros((count, 1)), np.ones((count, 1)))


def network(cell: str = "gru", layers: int = 1) -> ForecastNetwork:
    torch.manual_seed(0)
    made = ForecastNetwork(CONFIG.replace(cell=cell, layers=layers), SIZES, levels=LEVELS)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.3 * torch.randn(weight.shape))
    return made


def test_it_is_what_the_equations_say() -> None:
    made, data = network(), windows()
    w = {name: weight.detach().numpy().astype(float) for name, weight in made.weights().items()}
    found = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row)).detach().numpy()
    for number in range(len(data.row)):
        state = made.stack.initial_state(1)
        top = torch.zeros(0)
        for patch in data.patches[number]:
            read = w["input.weight"] @ patch + w["input.bias"]
            top, state = made.stack.step(torch.tensor(read, dtype=torch.float32)[None], state)
        row = data.row[number]
        seen = np.concatenate([top[0].detach().numpy(), row[8:12], row[-3:]])
        hidden = np.maximum(w["dense.weight"] @ seen + w["dense.bias"], 0)
        raw = (w["output.weight"] @ hidden + w["output.bias"]).reshape(4, 3)
        away = (raw + np.sqrt(raw**2 + 0.01)) / 2
        median = raw[2] + w["wide.weight"] @ row
        slow = [median - away[1] - away[0], median - away[1], median, median + away[3]]
        np.testing.assert_allclose(found[number], slow, atol=1e-5)


def test_quantiles_never_cross() -> None:
    made = network()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(20)
    data = windows(50)
    found = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row))
    assert bool((found.diff(dim=1) >= 0).all()) and float(found.detach().abs().max()) > 100


def test_it_begins_as_the_linear_forecast_and_its_errors() -> None:
    torch.manual_seed(0)
    made, rng = ForecastNetwork(CONFIG, SIZES, levels=LEVELS), np.random.default_rng(1)
    wide = rng.normal(size=(3, SIZES.row_size(CONFIG)))
    offsets = np.sort(rng.normal(size=(4, 3)), axis=0)
    made.begin(wide, offsets)
    data = windows()
    found = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row)).detach().numpy()
    np.testing.assert_allclose(found, (data.row @ wide.T)[:, None] + offsets, atol=1e-4)


def test_the_loss_by_its_definition() -> None:
    made, data = network(), windows()
    quantiles = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row)).detach().numpy()
    slow = []
    for number in range(len(data.row)):
        each = [
            2 * (level if truth >= q else level - 1) * (truth - q)
            for step, truth in enumerate(data.targets[number])
            for level, q in zip(LEVELS, quantiles[number, :, step], strict=True)
            if data.known[number, step]
        ]
        slow.append(np.mean(each) if each else 0)
    loss = made.loss(data, ())
    assert loss.total.item() == pytest.approx(sum(slow), rel=1e-5) and loss.count == len(slow)


@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("lstm", 2), ("transformer", 1), ("mingru", 1)])
def test_the_engine_computes_the_same(cell: str, layers: int) -> None:
    made, data = network(cell, layers), windows()
    quantiles = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row)).detach().numpy()
    engine = inference_forecaster(made.to_arrays(), made.config, SIZES, patience=1 << 30)
    np.testing.assert_allclose(engine.quantiles(data), quantiles, atol=1e-5)
    assert engine.quantiles(windows(0)).shape == (0, 4, 3)


def test_8_bits_and_what_is_refused() -> None:
    made, data = network(), windows(40)
    quantiles = made.quantiles(torch.from_numpy(data.patches), torch.from_numpy(data.row)).detach().numpy()
    arrays = made.to_arrays()
    known = {"windows": data, "levels": LEVELS}
    small = measured_forecaster(arrays, CONFIG, SIZES, quantiles=quantiles, **known)
    again = type(small.network)(small.network.to_arrays(), small.network.config)
    assert "int8" in small.network.precision and small.parity["int8"]["distance"] < 0.02
    np.testing.assert_array_equal(again.quantiles(data), small.network.quantiles(data))
    with pytest.raises(ModelError, match="differ"):
        measured_forecaster(arrays, CONFIG, SIZES, quantiles=quantiles + 1, **known)
    with pytest.raises(FolderError):
        inference_forecaster({**arrays, "wide.weight": arrays["wide.weight"][:, 1:]}, CONFIG, SIZES)
    for changes in ({"patch": 3}, {"context_window": 0}, {"projection": True}):
        with pytest.raises(UsageError):
            CONFIG.replace(**changes)
