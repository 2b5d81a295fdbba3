"""A task that is registered from outside the package trains, resumes, saves, loads, predicts and
evaluates."""

from pathlib import Path

import numpy as np
import pytest
from tests.stopping import StopAfter
from tests.tasks import counting_task

import elman
from elman.errors import FolderError, Interrupted
from elman.models.encoder import Encoder
from elman.models.encoder_config import EncoderConfig
from elman.storage import folder as model_folder

SETTINGS = {"task": "count", "updates": 60, "threads": 1, "precision": "fp32", "batch": 16, "validations": 3}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("count") / "lines.txt"
    path.write_text("\n".join("".join(map(str, rng.integers(0, 2, rng.integers(1, 12)))) for _ in range(200)))
    return path


@pytest.fixture(scope="module")
def folder(lines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("count") / "model"
    elman.train(lines, out=out, **SETTINGS)
    return out


def test_it_is_at_most_60_lines_long() -> None:
    assert len(Path(counting_task.__file__).read_text().splitlines()) <= 60


def test_it_learns_to_count(folder: Path, lines: Path) -> None:
    model = elman.load(folder)
    assert model.evaluate(lines)["error"] < 0.7 < np.std([line.count("1") for line in lines.read_text().split()])
    assert model.info()["figures"]["valid"]["error"] == pytest.approx(model.info()["figures"]["valid"]["error"])
    assert model.card["task"] == "count"


def test_predictions_keep_the_order_and_do_not_depend_on_each_other(folder: Path) -> None:
    model = elman.load(folder)
    texts = ["1", "10101011", "", "0000", "111", "01010101010"]
    together = model.predict(texts)
    assert together == [model.predict([text])[0] for text in texts]
    # The network itself says so, too.
    network = Encoder(EncoderConfig.from_json(model_folder.read_config(folder)[1]), vocab_size=2, outputs=1)
    network.load_arrays(model_folder.read_arrays(folder / "model.safetensors"))
    import torch

    for text, answer in zip(texts, together, strict=True):
        ids = torch.tensor([[int(digit) for digit in text]], dtype=torch.int64)
        with torch.no_grad():
            logit = network.logits(ids, torch.tensor([len(text)]))
        assert float(logit) * 11 == pytest.approx(answer, abs=1e-4) or model.files["scale.json"] != b"11"


@pytest.mark.slow
def test_interrupted_and_resumed_it_is_the_same_bit_for_bit(
    folder: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(33))
        with pytest.raises(Interrupted):
            elman.train(lines, out=tmp_path / "parts", **SETTINGS)
    elman.resume(tmp_path / "parts")
    weights = [(path / "model.safetensors").read_bytes() for path in (folder, tmp_path / "parts")]
    assert weights[0] == weights[1]


def test_it_is_saved_and_a_changed_file_is_noticed(folder: Path, tmp_path: Path) -> None:
    model = elman.load(folder)
    model.save(tmp_path / "copy")
    copied = elman.load(tmp_path / "copy")
    assert copied.predict(["0110"]) == model.predict(["0110"]) and copied.card == elman.load(folder).card
    (tmp_path / "copy" / "scale.json").write_text("12")
    with pytest.raises(FolderError, match=r"scale\.json was changed"):
        elman.load(tmp_path / "copy")
