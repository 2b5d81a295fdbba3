"""A reader learns to answer questions about facts, and is used as a person would."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.in_process import run_here
from tests.serve.notes import notes
from tests.tasks.answer.facts import as_json

import elman
from elman.apps.answer import Answerer
from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.data.squad import SquadFile, read_squad
from elman.data.vocabulary import Vocabulary
from elman.errors import TextError, UsageError
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import WordFeatures
from elman.serve.app import create_app
from elman.tasks.answer.data import EncodedQuestions, with_unanswerable
from elman.tasks.answer.windows import Words, window_starts

SIZES: dict[str, Any] = {
    "model": "gru", "embedding_size": 20, "subword_size": 12, "buckets": 400, "align_size": 12, "hidden_size": 20,
}  # fmt: skip
HOW: dict[str, Any] = {"task": "answer", "threads": 1, "precision": "fp32", "rival": False}
ADA = "Ada worked as a baker. Oslo is where Ada was born."


@pytest.fixture(scope="module")
def folder(shared: Any) -> Path:
    """A reader of facts, trained once: about 3 seconds."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / "train.json").write_text(as_json(120, 1))
        (path / "test.json").write_text(as_json(40, 2))
        plan = {"updates": 120, "batch": 24, "rate": 0.03, "validations": 1, "dropout": 0.0, "input_dropout": 0.1}
        settings = {**HOW, **SIZES, **plan, "word_dropout": 0.2, "subword_dropout": 0.1}
        elman.train(path / "train.json", valid=path / "test.json", out=path / "reader", **settings)

    return shared("reader", make)


@pytest.fixture(scope="module")
def reader(folder: Path) -> Any:
    return elman.load(folder / "reader")


def test_it_answers_questions_about_new_paragraphs(folder: Path, reader: Any) -> None:
    report = reader.evaluate(folder / "test.json").to_json()
    figures = report["figures"]
    own, rules = figures["gru"], figures["the rules of elman answer"]
    assert own["with_answer"]["exact_match"]["value"] > 0.8 and own["without_answer"]["f1"]["value"] > 0.6
    assert own["all"]["f1"]["low"] > rules["all"]["f1"]["high"] > figures["the best sentence"]["all"]["f1"]["value"]
    assert report["verdict"].startswith("Better than")
    assert reader.card["figures"]["valid"]["figures"]["gru"]["all"] == own["all"]


def test_answers_are_parts_of_the_text(reader: Any) -> None:
    found = reader.predict(("In which town was Ada born?", ADA))
    assert (found.text, found.start, found.end) == ("Oslo", 23, 27) and 0.3 < found.probability <= 1
    spaced = ADA.replace(" ", "\n  ")
    assert reader.predict({"question": "Where was Ada born?", "context": spaced}).start == spaced.index("Oslo")
    none = reader.predict(("When did Ada leave school?", ADA))
    assert none.text is None and str(none) == "not in the text" and none.score < reader.threshold
    assert reader.predict(("Where?", "")).to_json()["score"] is None  # JSON has no minus infinity


def test_a_long_passage_is_read_in_windows(reader: Any) -> None:
    filler = "Ben worked as a painter. " * 150
    for before in (0, 60, 150):
        text = filler[: before * 25] + ADA + " " + filler
        found = reader.predict(("Where was Ada born?", text))
        assert text[found.start : found.end] == "Oslo" and found.start == text.index("Oslo")


@pytest.mark.slow
def test_documents_are_read(folder: Path, reader: Any, tmp_path: Path) -> None:
    texts = ["Flora worked as a singer. Bern is where Flora was born.", ADA]
    found = elman.answer(texts, "In which town was Ada born?", model=reader)
    assert (found.text, found.document, found.sentence) == ("Oslo", "2", "Oslo is where Ada was born.")
    assert texts[1][found.start : found.end] == "Oslo" and found.parts == {"reader": found.score}
    none = elman.answer(texts, "When did Ada leave school?", model=reader)
    assert none.text is None and "is needed" in none.reason
    assert elman.answer(texts, "Xyzzy?", model=reader).reason == "no document has a word of the question"
    # The defaults of the rules are no more right than other values.
    given: list[dict[str, Any]] = [{"least": 0.5}, {"least": 0.9}, {"weight": 0.05}, {"weight": 0.9}]
    for each in given:
        with pytest.raises(UsageError, match="least does not apply to a reader|weight is that of a language model"):
            elman.answer(texts, "When was Ada born?", model=reader, **each)
    (tmp_path / "notes.txt").write_text("\n".join(texts))
    command = ["elman", "answer", "notes.txt", "What did Flora work as?", "--model", str(folder / "reader")]
    assert run_here(command, tmp_path) == "singer\n"
    command = ["elman", "answer", str(folder / "test.json"), "--squad", "--model", str(folder / "reader")]
    assert run_here(command, tmp_path).splitlines()[1].split()[:2] == ["all", "160"]


def test_a_server_answers_as_the_reader_does(reader: Any) -> None:
    app = create_app({"notes": notes({"ada": ADA}), "reader": reader})
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for more, model in (({"passage": ADA}, "reader"), ({}, "notes")):
            asked = {"question": "In which town was Ada born?", **more}
            found = client.post("/v1/answer", json=asked).json()
            assert (found["text"], found["start"], found["end"]) == ("Oslo", 23, 27)
            assert (found["model"], found["reader"]) == (model, "reader")
        none = client.post("/v1/answer", json={"question": "When did Ada leave school?", "passage": ADA}).json()
    assert none["text"] is None and none["score"] < reader.threshold and "is needed" in none["reason"]


@pytest.mark.slow
def test_predict_reads_json_and_tables(folder: Path, tmp_path: Path) -> None:
    model, question = str(folder / "reader"), "Where was Ada born?"
    (tmp_path / "a.tsv").write_text(f"{question}\t{ADA}\nWhen did Ada leave school?\t{ADA}\n")
    (tmp_path / "b.csv").write_text(f"id,passage,question\n7,{ADA},{question}\n")
    (tmp_path / "c.jsonl").write_text(json.dumps({"question": question, "context": ADA}) + "\n")
    for name in ("a.tsv", "b.csv", "c.jsonl"):
        lines = run_here(["elman", "predict", model, name], tmp_path).splitlines()
        assert lines == ["Oslo", "not in the text"][: len(lines)] and lines
    (found,) = map(json.loads, run_here(["elman", "predict", model, "b.csv", "--json"], tmp_path).splitlines())
    assert (found["id"], found["text"], found["start"]) == ("7", "Oslo", 23)
    squad = as_json(2, 5)
    lines = run_here(["elman", "predict", model, "--json"], tmp_path, given=squad).splitlines()
    (tmp_path / "d.json").write_text(squad)
    assert [json.loads(line)["id"] for line in lines] == [
        each.id for each in read_squad(str(tmp_path / "d.json")).questions
    ]
    assert run_here(["elman", "predict", model, "--json"], tmp_path, given=json.dumps(json.loads(squad), indent=1)) == (
        "\n".join(lines) + "\n"
    )
    assert run_here(["elman", "predict", model], tmp_path, given="\n") == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('{"question": "Who?"}', "no field 'passage'"),
        ('{"data": []', "is no JSON"),
        ("question\ttext\nWho?\tAda\n", "no field 'passage' in its first line"),
        ('{"question": 3, "passage": "a"}', "is a JSON number"),
    ],
)
def test_bad_questions_are_one_line(
    given: str, message: str, folder: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    (tmp_path / "bad.json").write_text(given)
    found = cli("predict", folder / "reader", tmp_path / "bad.json")
    assert found.code == 2 and message in found.err and found.err.count("\n") == 1, found.err


def test_what_is_no_question_is_refused(reader: Any, folder: Path, cli: Callable[..., Any]) -> None:
    for wrong in ("Who?", 3, ["Who?"], [("a", "b", "c")], [{"question": "Who?"}]):
        with pytest.raises(UsageError, match="question"):
            reader.predict(wrong)
    found = cli("evaluate", folder / "reader", folder / "test.json", "--format", "csv")
    assert found.code == 2 and "--format does not apply to answer" in found.err
    found = cli("predict", folder / "reader", "a=b")
    assert found.code == 2 and "give the question and the passage" in found.err


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (("Turin", "Genoa"), {}, "does not stand in its paragraph"),
        (("", ""), {"unanswerable_share": 2.0}, "unanswerable_share is 2; it must be 0 to 1"),
        (("", ""), {"passage_stride": 400}, "passage_stride is 400"),
        (("", ""), {"model": "tagger"}, "for answer it must be a cell"),
        (("data", "date"), {}, "data is no list of objects"),
        (('"is_impossible": false', '"is_impossible": true'), {}, "no question of the training part has an answer"),
    ],
)
def test_bad_data_and_settings(change: tuple[str, str], settings: Any, message: str, tmp_path: Path) -> None:
    text = as_json(40, 3)
    if change[0] == "Turin":
        text = text.replace('"text": "Turin"', '"text": "Genoa"')
    elif change[0]:
        text = text.replace(*change)
    (tmp_path / "train.json").write_text(text)
    with pytest.raises((TextError, UsageError), match=message):
        elman.train(tmp_path / "train.json", out=tmp_path / "model", updates=1, **HOW, **settings)
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_without_unanswered_questions_every_question_gets_an_answer(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(as_json(40, 3, always=True))
    small = {**HOW, **SIZES, "updates": 2, "validations": 1}
    model: Any = elman.train(tmp_path / "train.json", out=tmp_path / "model", **small)
    assert model.threshold is None and not model.config.unanswerable
    said = model.predict(("When did Ada leave school?", ADA)).text
    assert said and said in ADA
    assert model.predict(("When did Ada leave school?", "")).text is None
    with temporary_index([IndexedDocument("1", ADA), IndexedDocument("2", "")]) as index:
        found = Answerer(index, model=model).answer("When did Ada leave school?", documents=[1])
    assert found.text is None and found.reason == "there are no words to read"
    model = elman.train(tmp_path / "train.json", out=tmp_path / "other", unanswerable_share=0.5, **small)
    assert model.config.unanswerable and 20 < model.card["data"]["train"]["without_answer"] < 60


def test_questions_with_unanswerable_have_no_answer_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(as_json(30, 4, always=True))
    part = read_squad(str(tmp_path / "a.json"))
    more = with_unanswerable(part, 1.0)
    added = more.questions[len(part.questions) :]
    assert more.questions[: len(part.questions)] == part.questions and 40 < len(added) <= 60
    for each in added:
        (own,) = (one for one in part.questions if f"{one.id}, unanswerable" == each.id)
        assert own.text == each.text and not each.answers
        assert not any(answer in part.paragraphs[each.paragraph].text for answer in own.answers)
    assert with_unanswerable(part, 0.0) == part and with_unanswerable(part, 1.0) == more


def test_windows_of_a_passage() -> None:
    for words, size, stride in ((10, 4, 3), (11, 4, 3), (12, 4, 4), (5, 4, 1), (4, 4, 2)):
        starts = window_starts(words, size, stride)
        covered = {place for start in starts for place in range(start, start + size)}
        assert covered == set(range(words)) and all(b - a <= stride for a, b in zip(starts, starts[1:], strict=False))


def test_where_the_answer_is_in_each_window(tmp_path: Path) -> None:
    text = "one two three four five six seven eight nine ten"
    asked = {"id": "1", "question": "Two?", "answers": [{"text": "five si", "answer_start": text.index("five")}]}
    (tmp_path / "a.json").write_text(json.dumps({"data": [{"paragraphs": [{"context": text, "qas": [asked]}]}]}))
    part: SquadFile = read_squad(str(tmp_path / "a.json"))
    config = ReaderConfig(passage_words=4, passage_stride=2, unanswerable=True, buckets=20)
    features = WordFeatures(Vocabulary(["one"], [1]), config.words)
    found = EncodedQuestions(part, features, config)
    # Windows of words 1-4, 3-6, 5-8, 7-10; the answer is words 5 and 6, cut words being whole.
    assert found.windows.start.tolist() == [0, 2, 4, 6]
    assert found.windows.answers.tolist() == [[0, 0], [3, 4], [1, 2], [0, 0]]
    assert found.pair(1)[1] == ("three", "four", "five", "six") and found.lengths.tolist() == [4] * 4
    batch = found.batch(np.array([2, 0]))
    assert batch.answers.tolist() == [[1, 2], [0, 0]] and batch.ids[batch.passage[1]].tolist() == [1, 0, 0, 0]
    left = EncodedQuestions(part, features, config.replace(unanswerable=False))
    assert left.windows.start.tolist() == [2, 4]


def test_words_have_the_characters_of_the_text() -> None:
    text = "Caf\u00e9\u2028in\tthe \U0001f600 U.S.\n\n3,500 don't"
    found = Words.of(text)
    assert [text[start:end] for start, end in found.offsets] == list(found.words)
    assert {"Caf\u00e9", "in", "the", "3,500", "don't"} <= {*found.words}
    assert found.between(text.index("3"), text.index("3") + 2) == (found.words.index("3,500") + 1,) * 2
    assert found.between(0, 0) == (0, 0)
