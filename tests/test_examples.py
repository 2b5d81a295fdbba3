"""The examples run."""

import datetime
import json
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, *words: object) -> str:
    """What an example prints, run in this process."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
    capsys.readouterr()
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.slow
def test_word_order_of_held_out_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least 90% of held-out sentences are likelier than the median of their shuffles."""
    import elman
    from elman.text.pydocs import documents

    folder, text, held_out = tmp_path / "model", tmp_path / "text.txt", tmp_path / "held-out.txt"
    text.write_text("\n\n".join(documents()[1::6]), encoding="utf-8")
    held_out.write_text("\n\n".join(documents()[::12]), encoding="utf-8")
    elman.train(text, model="ngram", out=folder)
    shown = run(capsys, monkeypatch, "word_order.py", folder, held_out)
    share, rest = shown.split("%", 1)
    assert float(share) >= 90
    assert int(rest.split()[1]) == 500
    assert "Market falls into bear territory".lower() in shown.lower()


def stars(lines: int) -> str:
    """Lines of SST-5: the label, then a text whose adjective tells it."""
    words = ("awful", "dull", "plain", "good", "great")
    return "".join(f"{n % 5} the {words[n % 5]} performances of part {n} .\n" for n in range(lines))


@pytest.mark.slow
def test_review_rating_of_five_stars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stsa.fine.train").write_text(stars(150))
    (tmp_path / "stsa.fine.test").write_text("0 an awful film\n2 a plain film\n4 a great film\n3 a good film\n")
    picture = tmp_path / "out.png"
    sentence = "great performances , but an awful dull film"
    shown = run(
        capsys, monkeypatch, "review_rating.py", tmp_path, "--epochs", 3, "--out", picture, "--sentence", sentence
    )
    first, blank, head, *rows = shown.splitlines()
    assert (first, blank) == (sentence, "") and head.split()[:2] == ["model", "accuracy"]
    assert [row.split()[0] for row in rows] == ["RNN", "LSTM", "TF-IDF"]
    for row in rows:
        assert set(row.split()) & {"Negative", "Neutral", "Positive"}
    # The bag of words has learned the adjectives: right on all four, and two of three of the
    # sentence are negative.
    words = rows[2].split()
    assert words[1] == "100.0%" and words[2] == "Positive" and words[4] == words[6] == "Negative"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.slow
def test_review_rating_of_any_labelled_file(
    reviews_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "out.png"
    shown = run(capsys, monkeypatch, "review_rating.py", reviews_file, "--seconds", 0.6, "--out", picture)
    assert shown.splitlines()[0].startswith("The movie started off great") and len(shown.splitlines()) == 6
    assert shown.splitlines()[-1].split()[-1] in ("neg", "pos")
    (tmp_path / "wrong.csv").write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(40)))
    with pytest.raises(SystemExit, match="review_rating: the model's labels are a, b; a review's are positive"):
        run(capsys, monkeypatch, "review_rating.py", tmp_path / "wrong.csv", "--epochs", 1, "--out", picture)


def test_matches_get_their_outcomes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "date,home_team,away_team,home_score,away_score"
    scores = [
        "2024-05-02,A,B,1,1",
        "2024-05-01,C,D,0,2",
        "2024-06-01,A,D,NA,NA",
        "1999-01-01,A,B,9,0",
        "2024-05-03,B,C,3,2",
    ]
    (tmp_path / "results.csv").write_text("\n".join([header, *scores]) + "\n")
    out = tmp_path / "matches.csv"
    shown = run(capsys, monkeypatch, "matches.py", tmp_path / "results.csv", out, "--since", "2000-01-01")
    assert shown == "4 matches, 1 of them still open\n"
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert [row[-1] for row in rows] == ["outcome", "away win", "draw", "home win", ""]


def test_dates_in_many_forms(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms that Python reads are what Python says they are, and no line is there twice."""
    head, *lines = run(capsys, monkeypatch, "dates.py", 2000, 7).splitlines()
    assert head == "source\ttarget" and len(set(lines)) == 2000
    pairs = dict(line.split("\t") for line in lines)
    checked = set()
    for text, iso in pairs.items():
        for form in ("%d %B %Y", "%B %d, %Y", "%A, %d %B %Y", "%d.%m.%Y", "%Y/%m/%d", "%d %b. %Y", "%a %d %b %Y"):
            try:
                date = datetime.datetime.strptime(text, form).date()
            except ValueError:
                continue
            assert date.isoformat() == iso, text
            assert not form.lower().startswith("%a") or date.strftime(form)[:3].lower() == text[:3].lower()
            checked.add(form)
    assert len(checked) == 7
    spoken = {"twenty-first": "21", "thirtieth": "30", "twelfth": "12", "two thousand and five": "2005"}
    for words, number in spoken.items():
        found = [iso for text, iso in pairs.items() if f" {words} " in f" {text.replace(',', ' ')} "]
        assert found and all(number in (iso[:4], iso[-2:]) for iso in found), words


@pytest.mark.slow
def test_shapes_are_what_their_captions_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No caption of the new parts is trained on, and pictures have the colours of their
    captions."""
    import numpy as np
    from PIL import Image

    shown = run(capsys, monkeypatch, "shapes.py", tmp_path / "shapes", 240)
    assert shown.splitlines()[0].endswith("train.jsonl: 240 pictures")
    parts = {
        part: [json.loads(line) for line in (tmp_path / "shapes" / f"{part}.jsonl").read_text().splitlines()]
        for part in ("train", "valid", "new", "unseen")
    }
    trained = {each["caption"] for part in ("train", "valid") for each in parts[part]}
    assert not trained & {each["caption"] for part in ("new", "unseen") for each in parts[part]}
    held = ("red cross", "green circle", "blue triangle", "yellow square")
    assert not any(thing in caption for thing in held for caption in trained)
    assert all(any(thing in each["caption"] for thing in held) for each in parts["unseen"])
    colours = {"red": (205, 40, 40), "green": (40, 150, 60), "blue": (40, 70, 200), "black": (30, 30, 30)}
    for each in parts["train"][:60]:
        pixels = np.asarray(Image.open(tmp_path / "shapes" / each["image"]))
        for name, colour in colours.items():
            assert (pixels == colour).all(2).any() == (name in each["caption"]), each


@pytest.mark.slow
def test_digits_have_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run(capsys, monkeypatch, "digits.py", tmp_path / "digits")
    assert [line.rsplit(" ", 2)[1] for line in shown.splitlines()] == ["1198", "599"]
    first = json.loads((tmp_path / "digits" / "train.jsonl").read_text().splitlines()[0])
    assert first == {"image": "0.png", "caption": "a zero"} and (tmp_path / "digits" / "1796.png").exists()


def test_a_league_has_a_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run(capsys, monkeypatch, "league.py", tmp_path / "league.csv")
    assert shown == "2,640 matches; log loss of the true probabilities on the last 264: 0.935\n"
    head, *rows = (line.split(",") for line in (tmp_path / "league.csv").read_text().splitlines())
    assert head == ["date", "home_team", "away_team", "outcome"]
    # In each year each team plays each other once at home.
    for year in range(20):
        pairs = [tuple(row[1:3]) for row in rows[132 * year : 132 * (year + 1)]]
        assert len(set(pairs)) == 132 and all(home != away for home, away in pairs)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
