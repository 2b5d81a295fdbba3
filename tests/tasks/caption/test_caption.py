"""A captioner from files on disk to captions and figures."""

import base64
import json

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.tasks.caption.conftest import SETTINGS, halves, write_pictures

import elman
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.serve.app import create_app
from elman.tasks.registry import task_named


@pytest.mark.slow
def test_it_learns_what_is_where(captioner):
    rng = np.random.default_rng(7)
    asked = [("red", "blue"), ("blue", "red"), ("green", "green"), ("green", "blue")]
    found = captioner.predict([halves(*pair, rng) for pair in asked])
    assert [{*said.split()} & {"red", "green", "blue"} for said in found] == [{*pair} for pair in asked]
    assert [said.split()[0] for said in found] == [pair[0] for pair in asked]
    (best,) = captioner.predictions([halves("red", "blue", rng)], n_best=3, beam_size=4, length_penalty=0.0)
    assert {"red left of blue", "red and blue"} <= {*best.texts} and best.probabilities[0] > best.probabilities[1]
    assert captioner.predict(halves("red", "green", rng), begin="blue").startswith("blue")


@pytest.mark.slow
def test_words_look_at_what_they_name(captioner):
    looked = captioner.explain(halves("red", "blue", np.random.default_rng(3)))
    assert looked.weights.shape == (len(looked.words), 1, 2)
    assert (looked.weights.sum((1, 2)) <= 1.0001).all() and looked.to_json()["words"] == list(looked.words)
    with pytest.raises(UsageError, match="a captioner has none"):
        captioner.explain(halves("red", "blue", np.random.default_rng(3)), label="x")


@pytest.mark.slow
def test_figures_beside_rivals(captioner, tmp_path):
    file = write_pictures(tmp_path / "more", 40)
    report = tmp_path / "report"
    found = task_named("caption").evaluate(
        captioner.folder, [str(file)], settings={}, report=report, progress=Progress()
    )
    assert f"report: {report / 'report.html'}" in found.words and (report / "attention-5.svg").is_file()
    names = [rival["name"] for rival in found.values["rivals"]]
    assert sorted(names) == ["the caption of the nearest training picture", "the most frequent caption"]
    assert found.values["scores"]["exact_match"]["value"] > 40 and "points of BLEU" in found.words
    assert "also in the training part" in found.words  # the same seed draws the same pictures
    assert captioner.evaluate(file).to_json() == found.values
    held_out = captioner.card["figures"]["valid"]
    assert held_out["pictures"] == held_out["of"] and len(held_out["rivals"]) == 2
    summary = "\n".join(task_named("caption").summary(captioner.card))
    assert held_out["verdict"] in summary and f"valid ({held_out['of']} of" in summary
    for settings, why in (({"text": "x"}, "--text does not apply"), ({"n_best": 9, "beam_size": 2}, "n_best is 9")):
        with pytest.raises(UsageError, match=why):
            task_named("caption").evaluate(captioner.folder, [str(file)], settings=settings, progress=Progress())


@pytest.mark.slow
def test_the_command_writes_and_draws(captioner, tmp_path, cli):
    file = write_pictures(tmp_path / "more", 2)
    names = [str(file.parent / f"{number}.png") for number in range(2)]
    shown = cli("predict", captioner.folder, *names, "--json")
    assert [json.loads(line)["picture"] for line in shown.out.splitlines()] == names
    drawn = tmp_path / "looked.png"
    shown = cli("predict", captioner.folder, names[0], "--picture", drawn)
    assert drawn.read_bytes().startswith(b"\x89PNG") and "row 1, column" in shown.out
    assert shown.out.startswith(f"{captioner.predict(names[0])}\n") and f"{drawn} is written" in shown.err
    (tmp_path / "terms.tsv").write_text("red\trot\n")
    for words, why in (
        (["gone.png"], "gone.png: no such file; check its name and folder\n"),
        ([file.parent], f"a folder; name the files in it, such as {file.parent / '*'}\n"),
        ([file], "not a picture that can be read"),
        ([names[0], "--glossary", tmp_path / "terms.tsv"], "glossary"),
        ([names[0], "--html", tmp_path / "a.html"], "say --picture FILE.png"),
    ):
        refused = cli("predict", captioner.folder, *words)
        assert refused.code == 2 and why in refused.err and refused.err.count("\n") == 1


def test_a_server_writes_what_predict_writes(captioner, tmp_path):
    names = [write_pictures(tmp_path / "more", 2).parent / f"{number}.png" for number in range(2)]
    with TestClient(create_app({"model": captioner}), base_url="http://127.0.0.1") as client:
        pictures = [base64.b64encode(name.read_bytes()).decode() for name in names]
        found = client.post("/v1/caption", json={"input": pictures, "attention": True}).json()["captions"]
        card = client.get("/v1/models").json()["data"][0]["elman"]
    assert [each["caption"] for each in found] == captioner.predict(names)
    assert [each["attention"] for each in found] == [captioner.explain(name).to_json() for name in names]
    assert card["abilities"] == card["views"] == ["caption"] and card["patches"] == [1, 2]


@pytest.mark.slow
def test_features_are_learned_from_as_pictures_are(tmp_path):
    rng, lines = np.random.default_rng(0), ["image,caption"]
    for number in range(60):
        which = int(rng.integers(2))
        np.save(tmp_path / f"{number}.npy", rng.normal(size=(3, 4)) + 3 * which)
        lines.append(f"{number}.npy,{['low', 'high'][which]}")
    (tmp_path / "captions.csv").write_text("\n".join(lines) + "\n")
    settings = {name: value for name, value in SETTINGS.items() if name not in ("picture_size", "patch_size")}
    model = elman.train(tmp_path / "captions.csv", out=tmp_path / "model", **{**settings, "updates": 30})
    assert model.predict([np.zeros((3, 4)), np.full((3, 4), 3.0)]) == ["low", "high"]
    with pytest.raises(TextError, match="trained on files of features"):
        model.predict("a.png")


def test_what_does_not_apply_is_refused_in_one_line(tmp_path):
    file = write_pictures(tmp_path / "own", 9)
    for more, error, why in (
        ({}, TextError, "9 pictures are too few"),
        ({"patch_size": "5"}, UsageError, "cannot be cut"),
        ({"projection": True}, UsageError, "projection does not apply"),
    ):
        with pytest.raises(error, match=why):
            elman.train(file, out=tmp_path / "model", **{**SETTINGS, **more})
