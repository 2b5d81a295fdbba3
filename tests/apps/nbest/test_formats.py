"""Every format of n-best lists: what is read, what comes back from writing, and what is refused
with its line."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from elman.apps.nbest.formats import READERS, WRITERS, ReadOptions, format_of, read_nbest, write_nbest
from elman.apps.nbest.lists import LN_10, Hypothesis, NbestList, with_references
from elman.apps.nbest.references import read_references
from elman.apps.nbest.srilm import write_srilm
from elman.errors import TextError, UsageError

BYTELOG = 1024 * math.log(1.0001)
Shown = list[tuple[str, list[tuple[str, dict[str, float]]]]]


def shown(lists: list[NbestList]) -> Shown:
    return [
        (each.utterance, [(hypothesis.text, pytest.approx(dict(hypothesis.scores))) for hypothesis in each.hypotheses])
        for each in lists
    ]


KALDI = "u1-1 in the end\nu1-2\nu2-x-1 yes\nu2-x-10 -5\nu2-x-2 \tno no\n"
KALDI_COSTS = "u1-1 10.5\nu1-2 12\nu2-x-1 -3\nu2-x-2 1e1\nu2-x-10 2\n"


def test_kaldi_s_lists_with_their_costs(tmp_path: Path) -> None:
    (tmp_path / "words_text").write_text(KALDI)
    (tmp_path / "ac_cost").write_text(KALDI_COSTS)
    with gzip.open(tmp_path / "lm.gz", "wt") as file:
        file.write(KALDI_COSTS)
    assert format_of(tmp_path) == format_of(tmp_path / "words_text") == "kaldi"
    found = read_nbest(tmp_path, options=ReadOptions(costs={"lm": tmp_path / "lm.gz"}))
    assert shown(found) == [
        ("u1", [("in the end", {"acoustic": -10.5, "lm": -10.5}), ("", {"acoustic": -12, "lm": -12})]),
        # Ranks are numbers, an id may have hyphens, and a word may look like a number.
        ("u2-x", [("yes", {"acoustic": 3, "lm": 3}), ("no no", {"acoustic": -10, "lm": -10}),
                  ("-5", {"acoustic": -2, "lm": -2})]),
    ]  # fmt: skip
    assert list(write_nbest(found, "kaldi"))[:2] == ["u1-1 in the end", "u1-2"]


def test_espnet_s_folders(tmp_path: Path) -> None:
    for rank, text, score in ((1, "a1 yes\na2\n", "a1 tensor(-1.5)\na2 tensor(-2., device='cuda:0')\n"),
                              (2, "a1 yet\n", "a1 -3.25\n")):  # fmt: skip
        folder = tmp_path / f"{rank}best_recog"
        folder.mkdir()
        (folder / "text").write_text(text)
        (folder / "score").write_text(score)
    assert format_of(tmp_path) == "espnet"
    assert shown(read_nbest(tmp_path)) == [
        ("a1", [("yes", {"score": -1.5}), ("yet", {"score": -3.25})]), ("a2", [("", {"score": -2.0})])
    ]  # fmt: skip
    (tmp_path / "2best_recog" / "score").write_text("a9 -1\n")
    with pytest.raises(TextError, match=r"2best_recog.score: no score for 'a1' \(.*text, line 1\)"):
        read_nbest(tmp_path)


SRILM = {
    "first": ("NBestList1.0\n(-100) <s> in the -pau- end </s>\n", [("in the -pau- end", {"score": -100 * BYTELOG})]),
    "second": (
        # A phone inside "yes" is no word.
        "NBestList2.0\n(-30) yes ( st: 0 et: 9 g: -4 a: -6 ) y-1 ( st: 3 et: 5 g: 0 a: -2 ) "
        "no ( st: 10 et: 12 g: -1 a: -5 )\n",
        [("yes no", {"acoustic": -11 * BYTELOG, "lm": -5 * BYTELOG})],
    ),
    "third": (
        "-10 -2 3 in the end\n-11.5 -1 0\n",
        [("in the end", {"acoustic": -10 * LN_10, "lm": -2 * LN_10}), ("", {"acoustic": -11.5 * LN_10, "lm": -LN_10})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SRILM)
def test_srilm_s_three_formats(kind: str, tmp_path: Path) -> None:
    content, wanted = SRILM[kind]
    with gzip.open(tmp_path / "call7.nbest.gz", "wt") as file:
        file.write(content)
    assert format_of(tmp_path) == "srilm"
    assert shown(read_nbest(tmp_path)) == [("call7", wanted)]
    # SRILM itself says that log10(p) times ln(10) * 10000.5 / 1024 are bytelogs.
    assert pytest.approx(1024 / 10000.5, rel=1e-5) == BYTELOG


def test_srilm_s_lists_are_written_as_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "u1").write_text(SRILM["third"][0])
    ((name, lines),) = write_srilm(read_nbest(tmp_path / "u1"))
    assert (name, lines) == ("u1", ["-10 -2 3 in the end", "-11.5 -1 0"])


def test_wenet_s_candidates(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("wav a1\ncandidate -1.5 in the end\ncandidate -2 \nwav a2\n")
    found = read_nbest(tmp_path / "n")
    assert shown(found) == [
        ("a1", [("in the end", {"score": -1.5}), ("", {"score": -2})]), ("a2", [("", {"score": 0})])
    ]  # fmt: skip
    assert list(write_nbest(found, "wenet")) == [
        "wav a1", "candidate -1.5 in the end", "candidate -2", "wav a2", "candidate 0"
    ]  # fmt: skip


def test_json_in_every_shape(tmp_path: Path) -> None:
    rows = [
        {"id": "a1", "hyps": [["in  the end", -3.2], ["in the and", -3.5]], "ref": "in the end", "session": 7},
        {"utt": 2, "nbest": [{"text": "yes", "ac_cost": 80, "lm_score": -4.2, "rank": 1, "final": True}]},
        [{"hyp": "yes", "probability": 0.5}, {"sentence": "", "probability": 0}],
        {"alternatives": ["yes", "no"]},
    ]
    wanted = [
        ("a1", [("in the end", {"score": -3.2}), ("in the and", {"score": -3.5})]),
        ("2", [("yes", {"acoustic": -80, "lm": -4.2, "rank": 1})]),
        ("3", [("yes", {"probability": math.log(0.5)}), ("", {"probability": math.log(1e-300)})]),
        ("4", [("yes", {}), ("no", {})]),
    ]
    file = tmp_path / "a.jsonl"
    for number, (row, each) in enumerate(zip(rows, wanted, strict=True)):
        file.write_text("\n" * number + json.dumps(row))
        lists = list(READERS["jsonl"](file, ReadOptions()))
        # Without an id, the list has its number in the file.
        assert shown(lists) == [(each[0] if number < 2 else "1", each[1])]
        if number == 0:
            assert (lists[0].reference, lists[0].group) == ("in the end", "7")
            file.write_text("\n".join(write_nbest(lists, "jsonl")))
            again = read_nbest(file)
            assert shown(again) == [each] and again[0].reference == "in the end" and again[0].group == "7"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (
            {"a": {"hyp_2": {"text": "an", "score": -2}, "hyp_1": {"text": "in", "score": -1}, "ref": "in"}},
            [("a", [("in", {"score": -1}), ("an", {"score": -2})])],
        ),
        ({"a": ["in"], "b": [["an", -2]]}, [("a", [("in", {})]), ("b", [("an", {"score": -2})])]),
        ([{"input": ["in", "an"], "output": "in"}], [("1", [("in", {}), ("an", {})])]),
        (
            {"id": "a", "nbest": ["in", "an"], "am_scores": [-1, -2], "ac_cost": [3, 4], "words": [7]},
            [("a", [("in", {"acoustic": -3}), ("an", {"acoustic": -4})])],
        ),
        ({"id": "a", "nbest": ["in"], "lm_scores": [-1]}, [("a", [("in", {"lm": -1})])]),
    ],
)
def test_json_by_utterance_and_with_scores_beside_the_words(value: Any, wanted: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(value))
    assert shown(list(READERS["jsonl"](file, ReadOptions()))) == wanted
    file.write_text(json.dumps(value, indent=1))
    assert shown(list(READERS["jsonl"](file, ReadOptions()))) == wanted


def test_tabs_separate_what_spaces_do(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("wav\ta1\ncandidate\t-1.5\tin the end\n")
    assert shown(read_nbest(tmp_path / "n")) == [("a1", [("in the end", {"score": -1.5})])]
    (tmp_path / "1best_recog").mkdir()
    (tmp_path / "1best_recog" / "text").write_text("a1\tin the end\n")
    (tmp_path / "1best_recog" / "score").write_text("a1\ttensor(-1.5)\n")
    assert shown(read_nbest(tmp_path)) == [("a1", [("in the end", {"score": -1.5})])]
    (tmp_path / "words").write_text("a-b-1\tin the end\na-b-2\tan end\na-c-1\tyes\n")
    (tmp_path / "costs").write_text("a-b-1\t1\na-b-2\t2\na-c-1\t3\n")
    for costs in ({}, {"lm": tmp_path / "costs"}):
        found = read_nbest(tmp_path / "words", options=ReadOptions(costs=costs))
        assert [(each.utterance, len(each.hypotheses)) for each in found] == [("a-b", 2), ("a-c", 1)]
    assert found[0].hypotheses[1] == Hypothesis("an end", {"lm": -2})
    (tmp_path / "table").write_text("a-1\tin the end\na-1\tan end\n")
    assert format_of(tmp_path / "table") == "tsv"


def test_the_recogniser_s_own_choice_may_stand_outside_the_list(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": 1, "best": "in", "hyps": [["an", -2], ["on", -1]]}))
    found = read_nbest(tmp_path / "a.jsonl", options=ReadOptions(first="best"))
    assert shown(found)[0][1] == [
        ("in", {"score": -1, "first": 1}), ("an", {"score": -2, "first": 0}), ("on", {"score": -1, "first": 0})
    ]  # fmt: skip


def test_tables_with_and_without_names(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a1\tin the end\t-1\t-2\na1\t\t-3\t-4\n\na2\tyes\t0\t0\n")
    assert shown(read_nbest(tmp_path / "a.tsv")) == [
        ("a1", [("in the end", {"score1": -1, "score2": -2}), ("", {"score1": -3, "score2": -4})]),
        ("a2", [("yes", {"score1": 0, "score2": 0})]),
    ]
    (tmp_path / "b.tsv").write_text("utt\trank\tac\thyp\tref\na1\t1\t-1\tin\tin\na1\t2\t-2\tan\tin\n")
    (found,) = read_nbest(tmp_path / "b.tsv")
    assert shown([found]) == [("a1", [("in", {"acoustic": -1}), ("an", {"acoustic": -2})])]
    assert found.reference == "in"
    (tmp_path / "c.tsv").write_text("\n".join(write_nbest([found], "tsv")))
    assert read_nbest(tmp_path / "c.tsv")[0].hypotheses == found.hypotheses


def test_tables_of_spreadsheets(tmp_path: Path) -> None:
    text = 'utt_id,rank,hyp,acoustic_score,lm_score,ref\r\na1,1,"in, the end",-1.5,-2,in\r\na1,2,"",-3,-4,in\r\n'
    for each in (text, text.replace(",", ";").replace("in;", "in,")):
        (tmp_path / "a.csv").write_bytes(each.encode())
        (found,) = read_nbest(tmp_path / "a.csv")
        assert shown([found]) == [
            ("a1", [("in, the end", {"acoustic": -1.5, "lm": -2}), ("", {"acoustic": -3, "lm": -4})])
        ]  # fmt: skip
    (tmp_path / "c.csv").write_text(",rank,Utterance,text,score\n0,1,a1,in,-1\n1,2,a1,on,-2\n")
    assert shown(read_nbest(tmp_path / "c.csv")) == [("a1", [("in", {"score": -1}), ("on", {"score": -2})])]
    (tmp_path / "b.csv").write_text("a1,in,-1\na1,on,-2\na2,yes,-3\n")
    assert shown(read_nbest(tmp_path / "b.csv"))[1] == ("a2", [("yes", {"score": -3})])


BROKEN = [
    ("kaldi", "u1-1 yes\nyes no\n", ", line 2: 'yes' is no id of an n-best entry, such as UTT-1"),
    ("kaldi", "u1-1 yes\nu1-1 no\n", ", line 2: entry 'u1-1' comes twice"),
    ("kaldi", "u1-1 yes\nu2-1 no\nu1-2 yet\n", ", line 3: utterance 'u1' comes again; its list began in "),
    ("kaldi", "\n", ": empty, there is no n-best list"),
    ("srilm", "NBestList1.0\n-3 yes\n", ", line 2: '-3' is no score in parentheses"),
    ("srilm", "NBestList2.0\n(-3) yes ( st: 0 et: 1 g: 2 )\n", ", line 2: 'yes' is not followed by ( st: 0"),
    ("srilm", "-1 -2 three in the end\n", ", line 1: '-1 -2 three in the end' has no acoustic score"),
    ("srilm", "-1 nan 1 in\n", ", line 1: a score is 'nan'; it must be a finite number"),
    ("wenet", "wav a1\ncandidate x yes\n", ", line 2: the score is 'x'; it must be a finite number"),
    ("wenet", "candidate -1 yes\n", ", line 1: 'candidate -1 yes' is neither wav UTT nor candidate"),
    ("wenet", "wav\n", ", line 1: 'wav' names no utterance"),
    ("tsv", "a1\tyes\t-1\na1\tno\n", ", line 2: 2 columns ('a1\\tno'); there must be 3"),
    ("tsv", "a1\tyes\tbad\n", ", line 1: score 'score' is 'bad'"),
    ("tsv", "id\tscore\na\t1\n", ", line 1: columns id, score; there must be one called text"),
    ("csv", "a1,yes,-1\na1,no\n", ", line 2: 2 columns ('a1,no'); there must be 3, between commas"),
    ("tsv", "alone\n", ", line 1: 'alone' has one column"),
    ("jsonl", '{"id": 1}\n', ", line 1: no list of hypotheses, which is called hyps, "),
    ("jsonl", '{"hyps": []}\n', ", line 1: no hypothesis for '1'"),
    ("jsonl", '{"hyps": [3]}\n', ", line 1: hypothesis 1 has no text"),
    ("jsonl", '{"hyps": [["a", "b"]]}\n', ", line 1: score 'score' of hypothesis 1 is 'b'"),
    ("jsonl", '{"hyps": [["a", NaN]]}\n', ", line 1: "),
    ("jsonl", '{"hyps": [{"text": "a", "confidence": 2}]}\n', ", line 1: 'confidence' of hypothesis 1 is 2"),
    ("jsonl", '{"hyps": ["a", "b"], "lm_scores": [1]}\n', ", line 1: 1 lm_scores for 2 hypotheses"),
    ("jsonl", '{"results": [{"hyps": ["a"]}]}\n', ", line 1: no list of hypotheses"),
    ("jsonl", '{"hyps": [["a", 1]]}\n{"hyps": ["b"]}', ", line 2: hypothesis 1 of '2' has no score 'score'"),
    ("jsonl", '{"hyps": \n', ", line 2: not valid JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("format", "content", "message"), BROKEN)
def test_what_is_broken_is_named_in_one_line(format: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "n").write_text(content)
    with pytest.raises(TextError) as error:
        read_nbest(tmp_path / "n", format=format)
    assert f"n{message}" in str(error.value) and "\n" not in str(error.value)


def test_costs_must_fit_their_lists(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("u1-1 yes\n")
    costs = tmp_path / "costs"
    for content, message in (
        ("u2-1 1\n", "costs: no cost for 'u1-1' "),
        ("u1-1\n", "costs, line 1: 'u1-1' is no id with"),
    ):
        costs.write_text(content)
        with pytest.raises(TextError, match=message):
            read_nbest(tmp_path / "text", options=ReadOptions(costs={"acoustic": costs}))


def test_what_is_no_known_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("just some words\n")
    with pytest.raises(TextError, match=f"name it with --format: {', '.join(READERS)}"):
        read_nbest(tmp_path / "n")
    with pytest.raises(UsageError, match="format is 'xml'; it must be one of: jsonl, "):
        read_nbest(tmp_path / "n", format="xml")
    with pytest.raises(UsageError, match=f"written as 'xml'; the formats are: {', '.join(WRITERS)}, srilm"):
        write_nbest([], "xml")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text", "a1 in the (end)\na2\n"), ("ref.trn", "in the (end) (a1)\n(a2)\n"),
        ("ref.tsv", "a1\tin the (end)\na2\t\n"),
        ("ref.txt", "Text\tn\tutt_id\tref\nx\t1\ta1\tin the (end)\nx\t2\ta2\t\n"),
        ("ref.csv", "id,text\r\na1,in the (end)\r\na2,\r\n"), ("b.csv", 'a1,"in the (end)"\na2,""\n'),
        ("ref.jsonl", '{"id": "a1", "ref": "in  the (end)"}\n{"utt": "a2", "text": ""}\n'),
    ],
)  # fmt: skip
def test_references_in_every_form(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert read_references(tmp_path / name) == {"a1": "in the (end)", "a2": ""}


def test_references_must_fit(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("id,text\na1\n")
    with pytest.raises(TextError, match="r.csv, line 2: 1 columns, of which one must be an id and one the words"):
        read_references(tmp_path / "r.csv")
    file = tmp_path / "ref"
    file.write_text("a1 x\na1 y\n")
    with pytest.raises(TextError, match="ref, line 2: a second reference for utterance 'a1'"):
        read_references(file)
    file = tmp_path / "ref.trn"
    file.write_text("x (a1)\ny\n")
    with pytest.raises(TextError, match="ref.trn, line 2: 'y' does not end with an id in parentheses"):
        read_references(file)
    lists = [NbestList("b1", (Hypothesis("x"),))]
    with pytest.raises(TextError, match="refs: no reference for utterance 'b1'; it has 'a1'"):
        with_references(lists, {"a1": "x"}, name="refs")
