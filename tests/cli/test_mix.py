"""elman mix, --mix, and pages of a given size."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.export import page_check
from elman.tasks.language.mixture import complete_weights, parse_part

Call = Callable[..., Any]


def good(result: Any) -> str:
    assert result.code == 0, result.err
    return result.out


def fails(result: Any, *said: str) -> None:
    assert result.code == 2 and result.err.count("\n") == 1, result.err
    for each in said:
        assert each in result.err, result.err


@pytest.fixture(scope="session")
def held_out(shared: Any) -> Path:
    """A text of the same grammar that neither model has read."""
    from tests.conftest import tiny_text

    return shared("held-out.txt", lambda path: path.write_text(tiny_text(60, seed=7), encoding="utf-8"))


@pytest.fixture(scope="session")
def mixed_folder(shared: Any, lstm_folder: Path, ngram_folder: Path, held_out: Path) -> Path:
    """The LSTM and the n-gram of the tiny text, mixed."""

    def make(folder: Path) -> None:
        elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], held_out).save(folder)

    return shared("mixed", make)


@pytest.mark.slow
def test_a_mixture_is_a_folder_with_its_figures(
    cli: Call, lstm_folder: Path, ngram_folder: Path, held_out: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m"
    made = json.loads(good(cli("mix", lstm_folder, ngram_folder, "--tune", held_out, "--out", out, "--json")))
    assert sum(made["weights"]) == pytest.approx(1) and min(made["weights"]) > 0
    figures = [part["figures"]["bits_per_byte"] for part in made["parts"]]
    alone = [elman.load(each).evaluate(held_out)["bits_per_byte"] for each in (lstm_folder, ngram_folder)]
    assert figures == pytest.approx(alone, abs=1e-9)
    loaded = elman.load(out)
    assert made["figures"]["bits_per_byte"] == pytest.approx(loaded.evaluate(held_out)["bits_per_byte"], abs=1e-6)
    assert made["figures"]["bits_per_byte"] <= min(alone) + 1e-6
    shown = good(cli("info", out))
    assert "part        " in shown and "order 3" in shown and "fitted on text" in shown and "mixture     " in shown
    # All of it is there, and torch is not needed.
    moved = shutil.copytree(out, tmp_path / "elsewhere" / "m")
    code = "import sys, elman; print(elman.load(sys.argv[1]).score('Anna sees').log_prob); "
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, moved], capture_output=True, text=True)
    assert float(done.stdout) == loaded.score("Anna sees").log_prob, done.stderr
    file = moved / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    fails(cli("complete", moved, "Anna"), "damaged")


@pytest.mark.slow
def test_without_a_text_it_is_fitted_on_the_recorded_one(
    cli: Call, lstm_folder: Path, ngram_folder: Path, tmp_path: Path
) -> None:
    made = cli("mix", ngram_folder, lstm_folder, "--out", tmp_path / "m")
    assert "the validation text of the model card" in made.err and "bits per byte" in good(made)
    # The mixture knows it too.
    again = cli("mix", tmp_path / "m", ngram_folder, "--out", tmp_path / "n", "--json")
    assert json.loads(good(again))["tuned_on"] == elman.load(ngram_folder).card["data"]["valid"]["sha256"]


@pytest.mark.slow
def test_given_weights_are_the_same_everywhere(
    cli: Call, lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    flag = ("--mix", f"{ngram_folder}=0.3")
    good(cli("mix", lstm_folder, f"{ngram_folder}=0.3", "--out", tmp_path / "m"))
    for words in (
        ("complete", "Anna sees the", "-n", "3"),
        ("complete", "Anna sees the", "--phrase"),
        ("generate", "Anna", "--seed", "1", "--max-tokens", "60", "--temperature", "2"),
        ("score", text_file),
    ):
        verb, *rest = words
        folder, mixed = good(cli(verb, tmp_path / "m", *rest)), good(cli(verb, lstm_folder, *rest, *flag))
        assert folder == mixed != good(cli(verb, lstm_folder, *rest)), words
    assert "equal weights" in cli("complete", lstm_folder, "Anna", "--mix", ngram_folder).err
    good(cli("export", lstm_folder, *flag, "--to", "folder", "--out", tmp_path / "x"))
    assert elman.load(tmp_path / "x").lm.model_hash == elman.load(tmp_path / "m").lm.model_hash


@pytest.mark.slow
def test_what_cannot_be_mixed_is_one_line(
    cli: Call, lstm_folder: Path, ngram_folder: Path, reviews_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    elman.train(text_file, out=tmp_path / "lower", model="ngram", order=2, lowercase=True)
    out = ("--out", tmp_path / "m")
    fails(cli("mix", ngram_folder, tmp_path / "lower", *out), "same types", "train both with the same vocabulary")
    fails(cli("complete", ngram_folder, "Anna", "--mix", tmp_path / "lower"), "same types")
    fails(cli("mix", ngram_folder, *out), "two models or more")
    fails(cli("mix", ngram_folder, reviews_folder, *out), "not a language model")
    fails(cli("mix", ngram_folder, f"{lstm_folder}=0.2", "--tune", text_file, *out), "leave out one of them")
    fails(cli("mix", f"{ngram_folder}=0.2", f"{lstm_folder}=0.2", *out), "sum to 0.4", "leave one out")
    fails(cli("complete", ngram_folder, "Anna", "--mix", f"{lstm_folder}=1"), "above 0 and below 1")
    fails(cli("complete", ngram_folder, "Anna", "--mix", f"{lstm_folder}=half"), "'half'", "=0.3")
    fails(cli("mix", ngram_folder, lstm_folder, "--tune", tmp_path / "none.txt", *out), "no such file")
    fails(cli("evaluate", ngram_folder, text_file, "--mix", f"{lstm_folder}=0.2"), "fits the weights")
    fails(cli("serve", ngram_folder, lstm_folder, "--mix", lstm_folder), "one model", "elman mix")
    assert not (tmp_path / "m").exists()
    fails(cli("mix", ngram_folder, lstm_folder, "--out", tmp_path / "lower"), "not empty")


def test_words_that_look_like_weights(tmp_path: Path) -> None:
    (tmp_path / "odd=0.5").mkdir()
    assert parse_part(str(tmp_path / "odd=0.5")).weight is None
    assert parse_part("a=b=0.5") == ("a=b", 0.5)
    assert complete_weights([None, 0.2, None]) == [0.4, 0.2, 0.4]


@pytest.fixture
def few_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page checks itself in a few contexts, which Python has to complete each time."""
    monkeypatch.setattr(page_check, "CONTEXTS", 9)


@pytest.mark.slow
@pytest.mark.usefixtures("few_contexts")
def test_a_page_fits_its_size_and_says_what_that_cost(cli: Call, tmp_path: Path) -> None:
    draw, text, held_out = random.Random(1), tmp_path / "text.txt", tmp_path / "held.txt"
    words = [f"{start}{end}" for start in "abcdefgh" for end in ("at", "en", "ill", "ore", "unk")]
    chain = {word: draw.choices(words, k=3) for word in words}

    def line() -> str:
        found = [draw.choice(words)]
        while draw.random() < 0.9:
            found.append(draw.choice(chain[found[-1]] if draw.random() < 0.7 else words))
        return " ".join(found)

    text.write_text("\n".join(line() for _ in range(600)), encoding="utf-8")
    held_out.write_text("\n".join(line() for _ in range(15)), encoding="utf-8")
    elman.train(text, valid=held_out, out=tmp_path / "ngram", model="ngram", order=4)
    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_size": 8, "batch": 2, "bptt": 4}
    elman.train(text, valid=held_out, out=tmp_path / "net", updates=2, threads=1, **sizes)
    good(cli("mix", tmp_path / "ngram", f"{tmp_path / 'net'}=0.1", "--out", tmp_path / "both"))
    file = tmp_path / "page.html"
    for name in ("both", "ngram"):
        model = tmp_path / name
        whole = json.loads(good(cli("export", model, "--to", "html", "--out", file, "--text", held_out, "--json")))
        target = whole["bytes"] - 20_000
        asked = ("export", model, "--to", "html", "--out", file, "--target-size", f"{target / 1000}K")
        made = json.loads(good(cli(*asked, "--text", held_out, "--json")))
        assert target - 10_000 < made["bytes"] == file.stat().st_size <= target
        assert 0 < made["page"]["page"]["ngrams"] < whole["page"]["page"]["ngrams"] == made["page"]["model"]["ngrams"]
        before, after = (made["page"][part]["keystrokes"]["saved"] for part in ("model", "page"))
        assert before == elman.load(model).keystrokes(held_out)["saved"] and before - 0.1 < after <= before + 0.02
        assert "before pruning and rounding" in file.read_text(encoding="utf-8")
    shown = cli(*asked)
    assert "keys saved" in good(shown) and "the validation text of the model card" in shown.err


@pytest.mark.slow
@pytest.mark.usefixtures("few_contexts")
def test_a_page_that_cannot_be_so_small(
    cli: Call, lstm_folder: Path, ngram_folder: Path, mixed_folder: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "page.html", "--to", "html", "--target-size")
    fails(cli("export", ngram_folder, *out, "0.02M"), "is 0.02 MB", "without any n-gram", "or more", "--vocab-size")
    size = json.loads(good(cli("export", lstm_folder, "--to", "html", *out[:2], "--json")))["bytes"]
    (tmp_path / "page.html").unlink()
    for model, target in ((lstm_folder, size - 2000), (mixed_folder, size)):
        fails(cli("export", model, *out, f"{target / 1000}K"), "and ", "page takes", "or more", "--hidden-size")
    good(cli("export", lstm_folder, *out, f"{(size + 500) / 1000}K"))
    (tmp_path / "page.html").unlink()
    fails(cli("export", lstm_folder, *out, "small"), "--target-size is 'small'", "try --target-size 5M")
    fails(
        cli("export", ngram_folder, "--to", "arpa", "--out", tmp_path / "a", "--target-size", "1M"),
        "to pages and folders",
    )
    assert list(tmp_path.iterdir()) == []
