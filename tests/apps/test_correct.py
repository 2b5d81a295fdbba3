"""Correction against sums of the model's scores and an exhaustive search; harm, figures, and the
command line."""

import itertools
import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import tiny_text

import elman
from elman.apps.correct import Correction, Corrector, corrected, largest_count
from elman.apps.correct_report import WordCounts, line_figures, marked, pair_figures, unified_diff
from elman.apps.spelling.pairs import Pair
from elman.apps.spelling.proposals import Proposal
from elman.apps.spelling.search import LineSearch, SearchedLine
from elman.apps.spelling.text_words import text_words
from elman.errors import TextError, UsageError

Call = Callable[..., Any]
LINE = "Anna sees the odl house in teh mornign."
RIGHT = "Anna sees the old house in the morning."


@pytest.fixture(scope="module")
def model(ngram_folder: Path) -> Any:
    return elman.load(ngram_folder)


@pytest.fixture(scope="module")
def corrector(model: Any) -> Corrector:
    return Corrector(model.lm, model.speller)


def test_words_are_corrected_in_their_line(corrector: Corrector) -> None:
    (found,) = corrector.correct([LINE])
    assert corrected(LINE, found) == RIGHT
    assert [(each.original, each.kind) for each in found] == [
        ("odl", "spelling"), ("teh", "spelling"), ("mornign", "spelling")
    ]  # fmt: skip
    assert all(LINE[each.start : each.end] == each.original for each in found)


@pytest.mark.parametrize("kind", ["ngram", pytest.param("lstm", marks=pytest.mark.slow)])
def test_bits_are_what_the_line_would_lose(kind: str, request: pytest.FixtureRequest) -> None:
    model = elman.load(request.getfixturevalue(f"{kind}_folder"))
    corrector = Corrector(model.lm, model.speller)
    line = "Ben hears a small brid."
    (found,) = corrector.correct([line], threshold=0)
    (change,) = found
    cost = corrector.proposer.errors.nats("bird", "brid")
    gain = model.score("Ben hears a small bird.").log_prob - model.score(line).log_prob - cost
    assert change.text == "bird" and change.bits == pytest.approx(gain / math.log(2), rel=1e-3)


def test_the_beam_finds_what_an_exhaustive_search_finds(model: Any) -> None:
    line = "Anna sees teh olb huose."
    words = list(text_words(line))
    slots = {2: ("the", "a", "tall"), 3: ("old", "small"), 4: ("house", "town", "tree")}
    costs = {"the": 2.0, "a": 4.0, "tall": 5.0, "old": 3.0, "small": 6.0, "house": 2.5, "town": 3.0, "tree": 3.5}
    proposals = [
        Proposal(words[at].start, words[at].end, text, costs[text], "spelling", at, at)
        for at, texts in slots.items()
        for text in texts
    ]
    best, chosen = -math.inf, ()
    for picks in itertools.product(*[(None, *texts) for texts in slots.values()]):
        text = " ".join(["Anna sees", *(pick or words[at].text for at, pick in zip(slots, picks, strict=True))]) + "."
        score = model.score(text).log_prob - sum(costs[pick] for pick in picks if pick)
        if score > best:
            best, chosen = score, picks
    found = LineSearch(model.lm, model.speller).choices([SearchedLine(line, words, proposals)])[0]
    assert tuple(choice.proposal.text for choice in found) == chosen == ("the", "old", "house")
    whole = model.score("Anna sees the old house.").log_prob
    without = model.score("Anna sees the old huose.").log_prob
    assert found[-1].gain == pytest.approx(whole - without - costs["house"], rel=1e-3)


def test_splits_joins_case_and_apostrophes(tmp_path: Path) -> None:
    text = tmp_path / "t.txt"
    text.write_text("I don't go to London together on Monday.\nThey like a lot of London.\n" * 20)
    model = elman.train(text, model="ngram", order=3, valid=text)
    for given, wanted, kind in (
        ("I dont go to London.", "I don't go to London.", "spelling"),
        ("They like alot of London.", "They like a lot of London.", "split"),
        ("I don't go to London to gether on Monday.", "I don't go to London together on Monday.", "join"),
        ("I don't go to london.", "I don't go to London.", "case"),
        ("i don't go to London.", "I don't go to London.", "case"),
    ):
        found = elman.correct(model, given, threshold=0.5)
        assert found.text == wanted and [each.kind for each in found.changes] == [kind], given


def test_names_code_and_what_is_protected_stay(corrector: Corrector, model: Any) -> None:
    for line in ("Anna sees Brid.", "Anna sees the `brid`.", "Anna sees www.brid.org", "Anna sees the BRID."):
        assert corrector.correct([line], threshold=0) == [[]], line
    assert elman.correct(model, LINE, protect=["ODL"]).text == RIGHT.replace("old", "odl")
    # A word that is a name elsewhere in the text is one at the beginning of a sentence too.
    assert corrector.correct(["Anna sees Bem.", "Bem sees a small bird."], threshold=0) == [[], []]
    assert elman.correct(model, "Bem sees a small bird.").text == "Ben sees a small bird."


def test_real_words(tmp_path: Path) -> None:
    text = tmp_path / "t.txt"
    text.write_text("They like their house.\nThe house is there.\nHe eats an apple or a pear.\n" * 20)
    model = elman.train(text, model="ngram", order=3, valid=text)
    given = "They like there house. He eats a apple or a pear."
    assert elman.correct(model, given, threshold=1).text == "They like their house. He eats an apple or a pear."
    assert elman.correct(model, given, threshold=0, real_words=False).text == given


@pytest.mark.slow
def test_a_long_line_is_corrected_in_parts(corrector: Corrector) -> None:
    sentence = "Anna sees the odl house in the morning. "
    line = sentence * 40 + "teh " * 30
    (found,) = corrector.correct([line])
    assert [each.start for each in found[:40]] == [14 + 40 * place for place in range(40)]
    assert all(line[each.start : each.end] == each.original for each in found)


@pytest.mark.slow
def test_harm_is_bounded_on_clean_text(model: Any) -> None:
    corrector = Corrector(model.lm, model.speller)
    lines = [line.replace("green", "grene") for line in tiny_text(400, seed=9).splitlines() if line]
    loose, strict = corrector.fit_harm(lines, 0.2), corrector.fit_harm(lines, 0.004)
    assert loose.threshold == 0 and loose.changed > 20
    assert strict.threshold > 0 and strict.share.high <= 0.004 and strict.words == loose.words
    changed = sum(len(each) for each in corrector.correct(lines))
    assert changed == strict.changed < loose.changed
    with pytest.raises(TextError, match="too few to bound"):
        corrector.fit_harm(lines[:3], 0.001)
    with pytest.raises(UsageError, match="share"):
        corrector.fit_harm(lines, 5)


def test_the_largest_count_by_wilsons_formula() -> None:
    def high(count: int, total: int) -> float:
        z = 1.959963984540054
        p = count / total
        half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
        return (p + z * z / (2 * total) + half) / (1 + z * z / total)

    for words, share in ((10_000, 0.005), (1000, 0.01), (50_000, 0.001)):
        count = largest_count(words, share)
        assert count is not None and high(count, words) <= share < high(count + 1, words)
    assert largest_count(0, 0.5) is None


def test_counts_of_words_by_hand() -> None:
    counts = WordCounts.of("teh cat sta alot to gether", "the cat sat a lot together", "the car say a lot together")
    assert counts == WordCounts(correct=1, broken=1, wrong=5, touched=5, mended=4)
    figures = counts.figures()
    assert figures["precision"]["value"] == pytest.approx(4 / 6) and figures["recall"]["value"] == pytest.approx(4 / 5)
    assert figures["f0.5"] == pytest.approx(1.25 * (4 / 6) * (4 / 5) / (0.25 * 4 / 6 + 4 / 5))
    assert figures["broken"]["value"] == 1.0
    assert WordCounts.of("", "", "") == WordCounts() and WordCounts.of("a", "a", "a") == WordCounts(correct=1)


def test_figures(corrector: Corrector) -> None:
    pairs = [Pair("hosue", "house"), Pair("rivver", "river"), Pair("zzzzz", "house"), Pair("hosue", "house", 3)]
    found = pair_figures(corrector, pairs)
    assert found["pairs"] == 3 and found["at_1"]["value"] == pytest.approx(2 / 3) and found["right_words_known"] == 1
    lines = [(LINE, RIGHT), ("Anna sees Zyx.", "Anna sees Zyx.")]
    found = line_figures(corrector, lines)
    assert found["errors"] == 3 and found["recall"]["value"] == found["precision"]["value"] == 1
    assert found["broken"]["value"] == 0 and found["words"] == 11


def test_letters_of_other_languages_stay(corrector: Corrector) -> None:
    line = "Anna sees a hóuse, hosue, 文 hóuse and дом"
    assert [each.text for each in corrector.correct([line])[0]] == ["house"]


def test_a_letter_and_its_mark_are_one_and_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Anna voit le caf\u00e9 noir\nBen voit le caf\u00e9 noir\n" * 20)
    french = elman.train(tmp_path / "t.txt", model="ngram", order=2, valid=tmp_path / "t.txt")
    line = "\U0001f469 Anna vo\u0302it le cafe\u0301 niro"
    found = elman.correct(french, line, threshold=1.0)
    assert [(each.start, each.end, each.original, each.text) for each in found.changes] == [(22, 26, "niro", "noir")]
    assert found.text == line[:22] + "noir"
    found = elman.correct(french, "Anna voit le cfae\u0301 noir", threshold=1.0)
    assert [(each.start, each.end, each.original) for each in found.changes] == [(13, 18, "cfae\u0301")]
    assert found.text == "Anna voit le caf\u00e9 noir"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_nothing_else_changes_and_patch_applies(
    end: str, last: str, ngram_folder: Path, tmp_path: Path, cli: Call
) -> None:
    file, wanted = tmp_path / "t.txt", f"\ufeff{RIGHT}  {end}{end}cafe\u0301\x0c \u2028{end}{RIGHT}"
    file.write_bytes((wanted.replace(RIGHT, LINE) + last).encode())
    assert cli("correct", ngram_folder, file).out == wanted + last
    (tmp_path / "d").write_bytes(cli("correct", ngram_folder, file, "--diff").out.encode())
    subprocess.run(["patch", "--binary", "-s", file, tmp_path / "d"], check=True)
    assert file.read_bytes() == (wanted + last).encode()


def test_learners_sentences_are_running_text(ngram_folder: Path, tmp_path: Path, cli: Call) -> None:
    (tmp_path / "a.m2").write_text(f"S {LINE}\nA -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0\n")
    shown = cli("correct", ngram_folder, "--evaluate", tmp_path / "a.m2").out
    assert "recall" in shown and "nan" not in shown


def test_marks_and_diff() -> None:
    changes = [Correction(0, 0, 3, "teh", "the", "spelling", 9.0, [("ten", 1.0)])]
    assert marked("teh end", changes) == "[-teh-]{+the+} end"
    assert list(unified_diff(["a", "teh"], ["a", "the"], name="x"))[:2] == ["--- a/x", "+++ b/x"]
    assert changes[0].to_json() == {
        "line": 1, "start": 0, "end": 3, "original": "teh", "text": "the", "kind": "spelling", "bits": 9.0,
        "others": [{"text": "ten", "bits": 1.0}],
    }  # fmt: skip


def test_from_the_command_line(ngram_folder: Path, tmp_path: Path, cli: Call) -> None:
    file = tmp_path / "t.txt"
    file.write_text(f"{LINE}\n\nBen sees a small bird.\n")
    assert cli("correct", ngram_folder, file).out.splitlines() == [RIGHT, "", "Ben sees a small bird."]
    rows = [json.loads(line) for line in cli("correct", ngram_folder, file, "--json").out.splitlines()]
    assert [row["corrected"] for row in rows] == [RIGHT, "", "Ben sees a small bird."]
    assert [change["original"] for change in rows[0]["changes"]] == ["odl", "teh", "mornign"]
    (tmp_path / "e.tsv").write_text(f"{LINE}\t{RIGHT}\n")
    figures = json.loads(cli("correct", ngram_folder, "--evaluate", tmp_path / "e.tsv", "--json").out)["figures"]
    assert figures["recall"]["value"] == 1 and figures["errors"] == 3


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--harm", "5"], "'5' is no share"),
        (["--harm", "1%", "--threshold", "3"], "--harm and --threshold both say"),
        (["--clean", "x"], "add --harm"),
        (["--marks", "--diff"], "give one of them"),
        (["--threshold", "-1"], "threshold is -1"),
        (["--beam", "0"], "beam is 0"),
        (["--errors", "missing.txt"], "missing.txt"),
        (["--evaluate", "x", "--diff"], "--evaluate prints figures"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(flags: list[str], words: str, ngram_folder: Path, cli: Call) -> None:
    found = cli("correct", ngram_folder, *flags)
    assert found.code == 2 and words in found.err and len(found.err.splitlines()) == 1
