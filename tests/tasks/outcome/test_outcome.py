"""Models of outcomes: what they learn, what they refuse, and what they say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.cli.main import main
from elman.errors import TextError, UsageError

FAST: dict[str, Any] = {"threads": 1, "dense_size": 16, "embedding_size": 4, "validations": 3, "rival": False}


def weather(path: Path, count: int = 600) -> Path:
    """Rain follows from wind and season together: neither alone says anything."""
    rng, lines = np.random.default_rng(1), ["day,wind,sky,outcome"]
    for day in range(count):
        wind, sky = float(rng.normal()), str(rng.choice(["red", "grey"]))
        wet = (wind > 0) == (sky == "red")
        lines.append(f"{day},{wind:.3f},{sky},{'rain' if wet else 'dry'}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("outcome")
    data = weather(folder / "weather.csv")
    elman.train(data, task="outcome", time="day", out=folder / "model", batch=32, epochs=12, rate=0.01, **FAST)
    return data, folder / "model"


def test_it_learns_what_two_columns_say_together(trained: tuple[Path, Path]) -> None:
    model = elman.load(trained[1])
    rows = [{"wind": wind, "sky": sky} for wind in (-1.5, 1.5) for sky in ("red", "grey")]
    assert model.predict(rows) == ["dry", "rain", "rain", "dry"]
    figures = model.card["figures"]["test"]
    assert figures["scores"]["log_loss"]["value"] < 0.35 < 0.6 < figures["rivals"][0]["log_loss"]["value"]
    assert figures["verdict"].startswith("Better than the frequencies of the outcomes")


def test_parts_follow_in_time(trained: tuple[Path, Path]) -> None:
    data = elman.load(trained[1]).card["data"]
    assert [(data[part]["from"], data[part]["to"]) for part in ("train", "valid", "test")] == [
        ("0", "479"),
        ("480", "539"),
        ("540", "599"),
    ]
    # Time itself is no feature: later rows have numbers that training never saw.
    assert data["features"] == ["wind", "sky"]


def test_scores_are_left_out_and_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    goals = rng.poisson(1.3, (300, 2))
    rows = [f"{h},{a},{rng.normal():.2f},{('lost', 'drawn', 'won')[int(np.sign(h - a)) + 1]}" for h, a in goals]
    (tmp_path / "m.csv").write_text("\n".join(["home,away,form,result", *rows]) + "\n")
    model = elman.train(tmp_path / "m.csv", task="outcome", updates=2, **FAST)
    assert model.card["data"]["left_out"] == ["home", "away"] and model.card["data"]["features"] == ["form"]
    assert "their difference says" in model.card["notes"][0]
    kept = elman.train(tmp_path / "m.csv", task="outcome", features="home,away", updates=2, **FAST)
    assert kept.card["data"]["features"] == ["home", "away"] and kept.card["notes"][0].startswith("warning:")


@pytest.mark.slow
def test_a_recurrent_state_follows_a_strength_that_changes(tmp_path: Path) -> None:
    """Each player's form turns over every 20 days: only recent rows tell who wins."""
    rng, lines = np.random.default_rng(3), ["day,one,other,result"]
    for day in range(360):
        one, other = rng.choice(6, 2, replace=False)
        form = [((player + day // 40) % 3) for player in (int(one), int(other))]
        result = "won" if form[0] > form[1] else "lost" if form[0] < form[1] else rng.choice(["won", "lost"])
        lines.append(f"{day},p{one},p{other},{result}")
    (tmp_path / "games.csv").write_text("\n".join(lines) + "\n")
    settings = {**FAST, "batch": 64, "hidden_size": 12, "model": "gru", "rate": 0.03, "epochs": 6, "dropout": 0.0}
    model = elman.train(
        tmp_path / "games.csv", task="outcome", time="day", entities="one,other", features="day", **settings
    )
    figures = model.card["figures"]["test"]
    assert figures["scores"]["log_loss"]["value"] < figures["rivals"][0]["log_loss"]["value"] - 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "rain"}, "no column 'rain'; its columns are: day, wind, sky, outcome"),
        ({"drop": "wind,sky,day"}, "no column is left"),
        ({"outcomes": "rain,snow"}, "--outcomes names rain, snow; the outcomes in training are: dry, rain"),
        ({"features": "outcome"}, "which is the outcome"),
        ({"time": "sky"}, "line 2: sky is"),
        ({"time": "day", "test_from": "9999"}, "no row left for the test part"),
        ({"target": "wind", "time": "day"}, "different outcomes|outcomes"),
        ({"precision": "bf16"}, "bf16 does not apply"),
    ],
)
def test_bad_settings_in_one_line(
    trained: tuple[Path, Path], tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    if settings.get("target") == "wind":
        lines = trained[0].read_text().splitlines()
        trained = (tmp_path / "many.csv", trained[1])
        trained[0].write_text("\n".join([lines[0], *(f"{n},{n}.5,red,dry" for n in range(1500))]) + "\n")
    with pytest.raises((UsageError, TextError), match=message) as caught:
        elman.train(trained[0], task="outcome", updates=1, **{**FAST, **settings})
    assert "\n" not in str(caught.value)


def test_one_outcome_is_nothing_to_learn(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,result\n" + "".join(f"{n},won\n" for n in range(60)))
    with pytest.raises(TextError, match="all training rows have the outcome 'won'"):
        elman.train(tmp_path / "a.csv", task="outcome", updates=1, **FAST)


def test_open_rows_are_left_out_and_can_be_asked(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "open.csv"
    data.write_text(trained[0].read_text() + "600,0.5,red,\n601,0.5,grey,NA\n")
    model = elman.train(data, task="outcome", time="day", updates=1, **FAST)
    assert model.card["notes"] == ["left out: 2 rows without an outcome"]


def run(words: list[str]) -> Any:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    return stop.value.code


def test_the_command_line(trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained[1])
    (tmp_path / "new.csv").write_text("sky,wind\nred,1.5\ngreen,\n")
    assert run(["predict", folder, str(tmp_path / "new.csv"), "wind=1.5, sky=grey", "--proba"]) == 0
    head, red, _, grey = capsys.readouterr().out.splitlines()
    assert head == "outcome\tdry\train" and red.startswith("rain\t") and grey.startswith("dry\t")
    assert run(["evaluate", folder, str(trained[0]), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["examples"] == 120 and "480 rows up to the end of the training part" in figures["notes"][0]
    card = elman.load(folder).card["figures"]["test"]["scores"]["log_loss"]["value"]
    assert figures["scores"]["log_loss"]["value"] < card + 0.2
    wrongs = {
        "wnd=1": "names 'wnd'; the columns are: wind, sky",
        "wind": "no such file",
        "wind=x": "in training it was a number",
    }
    for wrong, message in wrongs.items():
        assert run(["predict", folder, wrong]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


@pytest.mark.slow
def test_prediction_needs_no_torch(trained: tuple[Path, Path]) -> None:
    code = (
        "import sys, elman; model = elman.load(sys.argv[1]); model.predict([{'wind': 1}]);"
        "print([name for name in ('torch', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, trained[1]], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
