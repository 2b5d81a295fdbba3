"""Forecasters: what they learn, that the future stays unseen, what they refuse, and what they
say."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.in_process import run_here

import elman
from elman.cli.main import main
from elman.errors import FolderError, TextError, UsageError
from elman.evaluation.fitted_rivals import missing_rivals
from elman.storage.archive import read_sealed_json
from elman.storage.folder import write_card

FAST: dict[str, Any] = {
    "task": "forecast", "threads": 1, "embedding_size": 4, "hidden_size": 4, "dense_size": 8, "validations": 3,
    "batch": 16,
}  # fmt: skip


def shops(path: Path, days: int = 150, *, first: int = 0) -> Path:
    """Two shops whose sales follow from the weekday and from a sale that is known before."""
    rng, lines = np.random.default_rng(first), ["date,shop,sold,sale"]
    for shop, size in (("north", 1), ("south", 40)):
        for day in range(first, days):
            sale = np.random.default_rng(day).random() < 0.2
            sold = size * (30 + 6 * (day % 7) + 20 * sale + rng.normal())
            lines.append(f"{np.datetime64('2023-01-02') + day},{shop},{sold:.3f},{int(sale)}")
    path.write_text("\n".join(lines) + "\n")
    return path


SETTINGS: dict[str, Any] = {**FAST, "value": "sold", "group": "shop", "covariates": "sale", "horizon": 7}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("forecast")
    data = shops(folder / "shops.csv")
    elman.train(data, out=folder / "model", epochs=4, **SETTINGS)
    return data, folder / "model"


def test_it_learns_season_and_covariate(trained: tuple[Path, Path]) -> None:
    model = elman.load(trained[1])
    figures = model.card["figures"]["test"]
    rivals = {each["name"]: each["mase"]["value"] for each in figures["rivals"]}
    assert figures["scores"]["mase"]["value"] < 0.5 * rivals["seasonal naive"] < rivals["naive"]
    # Twice the same future but for one sale, in units of a shop that is forty times as large.
    one, other = (
        model.forecast([{"series": "south", "covariates": {"sale": [0, 0, sale, 0, 0, 0, 0]}}])[0].median
        for sale in (0, 1)
    )
    assert 400 < other[2] - one[2] < 1200 and np.abs(np.delete(other - one, 2)).max() < 250


@pytest.mark.slow
def test_a_planted_future_does_not_move_the_score(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = trained
    before = elman.load(folder).card["figures"]["test"]
    lines = data.read_text().splitlines()
    # The last day of the test part, in every series alike.
    changed = [
        line if not line.startswith(("2023-05-31",)) else ",".join([*line.split(",")[:2], "1e5", line.split(",")[3]])
        for line in lines
    ]
    (tmp_path / "planted.csv").write_text("\n".join(changed) + "\n")
    assert changed != lines
    model = elman.train(tmp_path / "planted.csv", out=tmp_path / "model", epochs=4, **SETTINGS)
    after = model.card["figures"]["test"]
    weights = [(path / "model.safetensors").read_bytes() for path in (folder, tmp_path / "model")]
    assert weights[0] == weights[1]
    assert elman.load(folder).card["figures"]["valid"]["scores"] == model.card["figures"]["valid"]["scores"]
    assert after["scores"]["mae"]["value"] > before["scores"]["mae"]["value"]


@pytest.mark.slow
def test_forecasts_see_nothing_behind_their_origin(trained: tuple[Path, Path], tmp_path: Path) -> None:
    """A series that repeats its own future in a column would be foretold; without the column it is
    not."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=160)
    lines = ["date,y", *(f"{np.datetime64('2023-01-01') + day},{value:.4f}" for day, value in enumerate(noise))]
    (tmp_path / "noise.csv").write_text("\n".join(lines) + "\n")
    model = elman.train(tmp_path / "noise.csv", out=tmp_path / "model", epochs=2, **{**FAST, "horizon": 2})
    figures = model.card["figures"]["test"]
    mean = np.abs(noise[-16:] - noise[:128].mean()).mean()
    assert figures["scores"]["mae"]["value"] > 0.9 * mean


def test_from_the_command_line(trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, folder = trained
    later = tmp_path / "later.csv"
    rows = data.read_text().splitlines()
    known = [row for row in rows if not row.startswith("2023-05-3")]
    future = [f"2023-05-3{day},{shop},,1" for shop in ("north", "south") for day in (0, 1)]
    later.write_text("\n".join([*known, *future]) + "\n")
    with pytest.raises(SystemExit, match="0"):
        main(["predict", str(folder), str(later)])
    out = capsys.readouterr().out
    table = list(csv.DictReader(io.StringIO(out)))
    assert len(table) == 14 and table[0]["time"] == "2023-05-30" and table[0]["series"] == "north"
    row = [float(table[0][f"q0.{level}"]) for level in range(1, 10)]
    assert row == sorted(row) and table[0]["forecast"] == table[0]["q0.5"]
    with pytest.raises(SystemExit, match="0"):
        main(["predict", str(folder), str(later), "--json", "--horizon", "9"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(each["forecast"]) for each in found] == [9, 9] and found[1]["times"][-1] == "2023-06-07"
    assert found[0]["forecast"][0] == pytest.approx(float(table[0]["forecast"]), rel=1e-4)


def test_evaluation_of_later_rows(trained: tuple[Path, Path], tmp_path: Path) -> None:
    model = elman.load(trained[1])
    again = model.evaluate(trained[0])
    # Rows of training and validation are history; what is left is the test part.
    assert again.scores.mase.value == pytest.approx(model.card["figures"]["test"]["scores"]["mase"]["value"], rel=1e-6)
    assert {rival.name for rival in again.rivals} == {"naive", "seasonal naive", "ridge on lags", "Theta"}
    after = model.evaluate(shops(tmp_path / "after.csv", 180, first=150))
    assert after.forecasts == 8 and after.scores.mase.value < 0.6
    with pytest.raises(UsageError, match="give later rows"):
        model.evaluate(shops(tmp_path / "before.csv", 20))


def test_a_longer_forecast_goes_on_from_its_own_median(trained: tuple[Path, Path]) -> None:
    model = elman.load(trained[1])
    values = [float(value) for value in 30 + 6 * (np.arange(40) % 7)]
    one = model.forecast([values], horizon=10)[0]
    first = model.forecast([values])[0]
    then = model.forecast([[*values, *first.median]])[0]
    np.testing.assert_allclose(one.quantiles, np.concatenate([first.quantiles, then.quantiles[:, :3]], axis=1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "word2vec"}, "must be a cell"),
        ({"horizon": 90}, "long enough to hold out"),
        ({"group": None}, "second row"),
        ({"test_from": "soon"}, "--test-from is 'soon'"),
        ({"context_window": 10, "patch": 4}, "multiple of the patch"),
        ({"context_window": 5}, "hold a season"),
        ({"covariates": "shop"}, "shop is 'north'|used otherwise"),
        ({"levels": "0.1,0.9"}, "0.5 among them"),
        ({"wide": True}, "does not apply to --wide"),
        ({"season": 4000}, "from 1 to"),
    ],
)
def test_bad_settings_are_one_line(
    trained: tuple[Path, Path], tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    given = {name: value for name, value in {**SETTINGS, **settings}.items() if value is not None}
    with pytest.raises((UsageError, TextError), match=message) as error:
        elman.train(trained[0], out=tmp_path / "model", updates=1, **given)
    assert "\n" not in str(error.value) and not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"series": "west"}], "no series of the training is named 'west'"),
        ([["a"]], "holds 'a'"),
        ([[1.0, np.inf]], r"series 1 holds inf; numbers are at most 1e\+100"),
        ([[]], "0 values"),
        ([[None, None]], "no known value"),
        ([{"values": [1.0], "start": "2023-01-01 07:00"}], "steps of 1 day"),
        ([{"values": [1.0], "covariates": {"rain": [1]}}], "those of the training are: sale"),
        ([{"value": [1.0]}], "has 'value'"),
        ([7], "of type int"),
        ({"values": [1.0]}, "one series"),
    ],
)
def test_bad_series_are_one_line(trained: tuple[Path, Path], given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        elman.load(trained[1]).forecast(given)


def test_hostile_history_is_refused(trained: tuple[Path, Path]) -> None:
    from elman.data.series_encoding import SeriesEncoding
    from elman.tasks.forecast.history_file import history_arrays, read_history

    model = elman.load(trained[1])
    stored = list(model.history.values())
    names, encoding = [each.series.name for each in stored], model.encoding
    assert isinstance(encoding, SeriesEncoding)
    for one, other in zip(read_history(history_arrays(stored), names, encoding), stored, strict=True):
        np.testing.assert_array_equal(one.series.values, other.series.values)
        np.testing.assert_array_equal(one.series.covariates, other.series.covariates)
    for name, change in (
        ("length", lambda a: a * 2),
        ("values", lambda a: a[1:]),
        ("values", lambda a: a * np.inf),
        ("start", lambda a: a.astype(float)),
        ("covariates", lambda a: a[:0]),
    ):
        arrays = history_arrays(stored)
        arrays[f"history.{name}"] = change(arrays[f"history.{name}"])
        with pytest.raises(FolderError, match="stored series"):
            read_history(arrays, names, encoding)
    with pytest.raises(FolderError):
        read_history(history_arrays(stored), ["a", "a"], encoding)
    older = history_arrays(stored)
    del older["history.deviation"]
    with pytest.raises(FolderError, match="no deviation, so another version of elman wrote them; train the model"):
        read_history(older, names, encoding)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty.csv: there are no rows"),
        ("date,shop,sold,sale\n", "empty.csv: there are no rows"),
        ("date,shop,sold,sale\n2023-06-01,north,many,0\n", "empty.csv, line 2: sold is 'many'"),
    ],
)
def test_nothing_is_printed_for_a_file_that_cannot_be_forecast(
    trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "empty.csv").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(trained[1]), str(tmp_path / "empty.csv")])
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1


def test_without_rows_the_training_goes_on(trained: tuple[Path, Path], tmp_path: Path) -> None:
    shown = run_here(["elman", "predict", str(trained[1])], tmp_path)
    assert [line.split(",")[0] for line in shown.splitlines()[::7]] == ["series", "north", "south"]


@pytest.mark.slow
def test_forecasting_needs_no_torch(trained: tuple[Path, Path]) -> None:
    code = (
        "import sys, elman; model = elman.load(sys.argv[1]); print(len(model.forecast()[0].median));"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, str(trained[1])], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "7\n", done.stderr


@pytest.mark.skipif(missing_rivals() is None, reason="statsforecast is installed")
def test_a_rival_whose_package_is_missing_is_no_wrong_figure(trained: tuple[Path, Path], tmp_path: Path) -> None:
    figures = elman.load(trained[1]).card["figures"]["test"]
    assert missing_rivals() in figures["notes"]
    shutil.copytree(trained[1], tmp_path / "model")
    card = read_sealed_json(tmp_path / "model" / "model_card.json")
    card["figures"]["test"]["rivals"].append({**figures["rivals"][0], "name": "ETS"})
    write_card(tmp_path / "model", card)
    found = elman.verify(tmp_path / "model")
    assert found.holds and not found.figures and found.reason == missing_rivals()
    write_card(tmp_path / "model", {**card, "figures": {"test": {"rivals": 5}}})
    assert "not as training writes them" in str(elman.verify(tmp_path / "model").reason)
