"""The page of word vectors, opened from disk in a real browser, against Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.vocabulary import Vocabulary
from elman.errors import ModelError, UsageError
from elman.export.byte_vectors import ByteVectors
from elman.export.vectors_page import write_vectors_page
from elman.export.word2vec import write_word_vectors
from elman.export.word_map import k_means, make_map, principal_plane
from elman.models.word_vectors import WordVectors, unit_rows

HOSTILE = "</script><img/src=x/onerror=alert(1)>"


def vectors(count: int = 60, size: int = 9, *, lowercase: bool = True) -> WordVectors:
    matrix = np.random.default_rng(4).standard_normal((count, size)).astype(np.float32)
    matrix[7], matrix[9] = matrix[5], 0
    words = [HOSTILE, "été", "𝒜b", "constructor", *(f"w{row}" for row in range(4, count))]
    return WordVectors(Vocabulary(words, range(count, 0, -1)), matrix, lowercase=lowercase)


def test_8_bits_and_their_loss() -> None:
    random = np.random.default_rng(2)
    units = unit_rows(random.standard_normal((300, 20)).astype(np.float32))
    coded = ByteVectors(units)
    loss = coded.loss(units)
    cosines, exact = coded.cosines(np.arange(300)), units.astype(np.float64) @ units.T
    assert loss.words == 300 and loss.cosine == pytest.approx(np.abs(cosines - exact).max(), abs=1e-6)
    kept = [
        len({row for row, _ in coded.neighbours(word, 10)} & set(np.argsort(-exact[word])[1:11])) for word in range(300)
    ]
    assert loss.neighbours == pytest.approx(sum(kept) / 3000) and 0.9 < loss.neighbours < 1
    whole = random.integers(-127, 128, (50, 6)).astype(np.float32)
    whole[:, 0] = 127  # these need no rounding
    assert ByteVectors(whole).loss(whole).neighbours == 1 and np.array_equal(ByteVectors(whole).codes, whole)


def test_the_map_is_that_of_linear_algebra() -> None:
    random = np.random.default_rng(6)
    points = (random.standard_normal((80, 5)) * [1, 7, 0.1, 3, 0.5]).astype(np.float32)
    places, share = principal_plane(points)
    left, values, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    assert np.allclose(np.abs(places), np.abs(left[:, :2] * values[:2]), atol=1e-4)
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum(), abs=1e-6)
    groups = np.repeat([[9, 0, 0], [0, 9, 0], [0, 0, 9]], [30, 50, 20], axis=0)
    near = (groups + random.standard_normal((100, 3))).astype(np.float32)
    found = make_map(near, clusters=3)
    assert found.clusters.tolist() == [1] * 30 + [0] * 50 + [2] * 20
    assert [len(rows) for rows in found.examples] == [3, 3, 3] and all(30 <= row < 80 for row in found.examples[0])
    assert found.places.min(axis=0).tolist() == [-1, -1] and found.places.max(axis=0).tolist() == [1, 1]
    assert k_means(np.ones((5, 2), np.float32), 3, seed=1).tolist() == [0] * 5


@pytest.mark.parametrize("lowercase", [True, False])
def test_its_neighbours_are_those_of_python(browser: Any, tmp_path: Path, lowercase: bool) -> None:
    words = vectors(lowercase=lowercase)
    facts = write_vectors_page(tmp_path / "v.html", words, words=50, name=HOSTILE, version="0")
    assert facts["words"] == 50 and facts["bytes"] == (tmp_path / "v.html").stat().st_size
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page, mistakes, requests = context.new_page(), [], []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda message: mistakes.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((tmp_path / "v.html").as_uri())
    coded = ByteVectors(unit_rows(words.vectors[:50]))
    wanted = [[list(each) for each in coded.neighbours(row, 8)] for row in range(50)]
    assert page.evaluate("Array.from({length: 50}, (_, row) => document.elman.vectors.neighbours(row, 8))") == wanted
    assert wanted[5][0] == [7, 1.0] and wanted[9][0] == [0, 0.0]
    page.fill("#word", "W5")
    assert page.locator("#near li").count() == (20 if lowercase else 0)
    page.fill("#word", "w5")
    assert page.locator("#near li").first.inner_text().split() == ["w7", "1.000"]
    page.locator("#near button").first.click()
    assert page.input_value("#word") == "w7" and page.locator("#near span").first.inner_text() == "w5"
    page.fill("#word", "w4")
    assert page.locator("#offered button").all_inner_texts() == [f"w4{last}" for last in range(8)]
    page.fill("#word", HOSTILE)
    assert page.locator("#near li").count() == 20 and HOSTILE in page.locator("#said").inner_text()
    page.fill("#word", "toString")
    assert "not among the 50 words" in page.locator("#said").inner_text()
    page.fill("#word", "constructor")
    assert page.locator("#near li").count() == 20
    assert page.locator("h1").inner_text() == HOSTILE and page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not mistakes and all(url.startswith(("file:", "data:")) for url in requests)
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'let', () => 'kept')") == "kept"
    context.close()


def test_the_map_is_tapped_and_zoomed(browser: Any, tmp_path: Path) -> None:
    write_vectors_page(tmp_path / "v.html", vectors(), name="v", version="0")
    page = browser.new_page(viewport={"width": 700, "height": 900})
    page.goto((tmp_path / "v.html").as_uri())
    box = page.locator("#map").bounding_box()
    seen = "(row) => document.elman.map.at(row)"
    x, y = page.evaluate(seen, 20)
    page.mouse.move(box["x"] + 1 + x, box["y"] + 1 + y)
    page.mouse.wheel(0, -500)
    page.wait_for_function("document.elman.map.zoom > 3")
    assert page.evaluate(seen, 20) == pytest.approx([x, y], abs=2.5)  # what is under the pointer stays there
    x, y = page.evaluate(seen, 20)
    page.mouse.click(box["x"] + 1 + x, box["y"] + 1 + y)
    assert page.input_value("#word") == "w20"
    box = page.locator("#map").bounding_box()  # the list above has pushed it down
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 230, box["y"] + 190)
    page.mouse.up()
    assert page.evaluate(seen, 20) == pytest.approx([x + 30, y - 10], abs=0.1) and page.input_value("#word") == "w20"
    page.get_by_label("all words").click()
    assert page.evaluate("document.elman.map.zoom") == 1
    page.close()


@pytest.mark.slow
def test_as_many_words_as_fit(tmp_path: Path) -> None:
    count = 3000
    words = WordVectors(
        Vocabulary([f"<é{row}>" for row in range(count)], [1] * count),
        np.random.default_rng(1).standard_normal((count, 30)).astype(np.float32),
    )
    file, sizes = tmp_path / "v.html", []
    for most in (30_000, 31_000, 100_000, 10**7):
        facts = write_vectors_page(file, words, most=most, name="v", version="0")
        assert file.stat().st_size == facts["bytes"] <= most
        sizes.append(facts["words"])
    assert 20 < sizes[0] < sizes[1] < sizes[2] < sizes[3] == count
    facts = write_vectors_page(file, words, words=sizes[2] + 50, name="v", version="0")
    assert facts["bytes"] > 100_000  # little room was left
    assert write_vectors_page(file, words, most=10**6, words=7, name="v", version="0")["words"] == 7
    with pytest.raises(ModelError, match="a page of two words"):
        write_vectors_page(file, words, most=9_000, name="v", version="0")


def test_private_and_blocked_words_do_not_stand_in_it(tmp_path: Path) -> None:
    file = tmp_path / "v.html"
    words = WordVectors(
        Vocabulary(["one", "5550199", "qzxkwvbntprd", "darn", "two", "three"], range(9, 3, -1)),
        np.random.default_rng(1).standard_normal((6, 4)).astype(np.float32),
    )
    facts = write_vectors_page(file, words, words=2, block=["darn"], name="v", version="0")
    assert facts["hidden"] == 3 and '["one","two"]' in file.read_text(encoding="utf-8")
    assert write_vectors_page(file, words, secrets=True, name="v", version="0")["words"] == 6
    with pytest.raises(ModelError, match="needs at least 2"):
        write_vectors_page(file, words, block=["/./"], name="v", version="0")


def test_by_the_command(cli: Any, ngram_folder: Path, tmp_path: Path) -> None:
    write_word_vectors(tmp_path / "v.txt", vectors(), to="word2vec")
    out = tmp_path / "map.html"
    page = "export", tmp_path / "v.txt", "--to", "html", "--out", out
    found = json.loads(cli(*page, "--words", "30", "--json").out)
    assert found["words"] == 30 and found["bytes"] == out.stat().st_size and 0 < found["loss"]["cosine"] < 0.02
    said = cli(*page)
    assert said.out.startswith(f"{out}: 60 words, 9 dimensions") and "of the ten nearest words stay" in said.out
    for given, said in (
        (("--words", "1"), "--words is 1"),
        (("--text", "x"), "--text"),
        (("--target-size", "1K"), "two words"),
    ):
        done = cli(*page, *given)
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    done = cli("export", ngram_folder, "--to", "html", "--out", out, "--words", "9")
    assert done.code == 2 and "--words applies to pages of word vectors" in done.err
    with pytest.raises(UsageError, match="at least 2"):
        write_vectors_page(out, vectors(), words=0, name="v", version="0")
