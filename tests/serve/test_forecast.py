"""/v1/forecast answers as the model does, within its limits."""

from typing import Any

import numpy as np
import pytest
from tests.serve.conftest import Make, ask
from tests.serve.seasons import forecaster

from elman.serve.limits import Limits
from elman.tasks.forecast.model import ForecastModel

FORECAST = "/v1/forecast"


def test_it_is_what_the_model_gives(make: Make) -> None:
    client, model = make({"seasons": forecaster()}), forecaster()
    series: list[dict[str, Any]] = [
        {"series": "c", "values": [1.0, None, 2.5], "start": "2020-11", "covariates": {"sale": [0, 0, 1, 1]}},
        {"series": "a"},
    ]
    found = ask(client, FORECAST, input=series, horizon=4, history=2)
    for one, other in zip(found["forecasts"], model.predictions(series, horizon=4), strict=True):
        wanted = other.to_json()
        assert {name: one[name] for name in ("series", "times")} == {name: wanted[name] for name in ("series", "times")}
        np.testing.assert_allclose(one["forecast"], wanted["forecast"], rtol=1e-6)
        assert list(one["quantiles"]) == ["0.1", "0.5", "0.9"] and len(one["history"]) == 2
    assert found["forecasts"][0]["times"][0] == "2021-02" and found["forecasts"][0]["history"] == [None, 2.5]
    alone = ask(client, FORECAST)
    assert [each["series"] for each in alone["forecasts"]] == ["a", "b"] and "history" not in alone["forecasts"][0]
    (card,) = client.get("/v1/models").json()["data"]
    assert card["elman"]["abilities"] == ["forecast"] and card["elman"]["horizon"] == 3


def test_no_request_hashes_its_weights(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes: list[str] = []

    def hashed(model: ForecastModel) -> str:
        hashes.append("a1")
        return hashes[-1]

    monkeypatch.setattr(ForecastModel, "model_hash", property(hashed))
    client = make({"seasons": forecaster()})
    before = len(hashes)
    assert [client.get("/v1/models").json()["data"][0]["elman"]["hash"] for _ in range(2)] == ["a1", "a1"]
    assert len(hashes) == before


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": [{"series": "x"}]}, 422, "no series of the training is named 'x'"),
        ({"input": [{"values": [None]}]}, 422, "no known value"),
        ({"input": [{"values": [1.0], "start": "noon"}]}, 422, "start is 'noon'"),
        ({"input": [{"values": [1.0]}] * 4}, 422, "4 series; this server"),
        ({"input": [{"values": [1.0] * 300}]}, 422, "numbers; this server"),
        ({"horizon": 301}, 422, "from 1 to 300"),
        ({"input": []}, 422, "input"),
        ({"input": [{"values": ["1"]}]}, 422, "input"),
    ],
)
def test_what_is_too_much_or_wrong_is_refused(body: dict[str, Any], status: int, words: str, make: Make) -> None:
    limits = Limits(max_texts=3, max_answer=200 if "horizon" not in body else 1 << 18)
    error = ask(make({"seasons": forecaster()}, limits=limits), FORECAST, status=status, **body)["error"]
    assert words in error["message"] or words in error["param"]
