"""/v1/corrections: lines that training reads again, nothing half-written, nothing where it was not
asked."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Make, ask
from tests.serve.taggers import WORDS, tagger

from elman.data.tagged import TaggedSentence, read_tagged
from elman.data.word_rules import WordRules
from elman.errors import UsageError
from elman.serve.corrections import Corrections
from elman.serve.limits import Limits

CORRECT = "/v1/corrections"
TEXT = "\U0001f600 Ann Lee saw New York"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "corrections.jsonl"


@pytest.fixture
def client(make: Make, file: Path) -> TestClient:
    return make({"names": tagger(), "pos": tagger(WORDS)}, corrections=file)


def read(file: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(sentence.text, sentence.tags) for sentence in read_tagged(file)]


def test_corrections_are_training_data(client: TestClient, file: Path) -> None:
    assert not file.exists()
    span = {"type": "place", "start": 14, "end": 22}
    assert ask(client, CORRECT, text=TEXT, spans=[span]) == {"model": "names", "saved": 1}
    tags = ["O", "B-person", "I-person", "O", "O", "O"]
    assert ask(client, CORRECT, text=TEXT, tags=tags)["saved"] == 2
    assert ask(client, CORRECT, text="Nobody.", spans=[])["saved"] == 3
    assert read(file) == [
        (TEXT, ("O", "O", "O", "O", "B-place", "I-place")), (TEXT, tuple(tags)), ("Nobody.", ("O", "O")),
    ]  # fmt: skip
    lines = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {"text": TEXT, "spans": [{"start": 14, "end": 22, "label": "place"}]}


def test_tags_of_words(client: TestClient, file: Path) -> None:
    ask(client, CORRECT, text="we bank.", tags=["PRON", "VERB", "PUNCT"], model="pos")
    assert read(file) == [("we bank.", ("PRON", "VERB", "PUNCT"))]
    card = client.get("/v1/models/pos").json()["elman"]
    assert card["abilities"] == ["predict", "corrections"]


def test_words_stay_those_of_the_tagger(make: Make, file: Path) -> None:
    """One that was trained on a treebank cuts "don't" in two."""
    sentence = TaggedSentence(words=("We", "do", "n't"), text="We don't", offsets=((0, 2), (3, 5), (5, 8)))
    names, pos = tagger(), tagger(WORDS)
    names.rules = pos.rules = WordRules.fit([sentence])
    client = make({"names": names, "pos": pos}, corrections=file)
    found = ask(client, "/v1/predict", input="They don't", n_best=1)["predictions"][0]
    assert [word["text"] for word in found["words"]] == ["They", "do", "n't"] and len(
        found["sequences"][0]["tags"]
    ) == 3
    ask(client, CORRECT, text="They don't", spans=[{"type": "place", "start": 5, "end": 7}])
    ask(client, CORRECT, text="They don't", tags=["PRON", "VERB", "X"], model="pos")
    spans, tags = read_tagged(file)
    assert (spans.words, spans.tags) == (("They", "do", "n't"), ("O", "B-place", "O"))
    assert (tags.words, tags.tags) == (("They", "do", "n't"), ("PRON", "VERB", "X"))


BAD = [
    ({}, "text", "text is missing"),
    ({"text": TEXT}, "tags", "either tags, one for each word, or spans"),
    ({"text": TEXT, "tags": ["O"], "spans": []}, "tags", "either tags, one for each word, or spans"),
    ({"text": " \n ", "tags": []}, "text", "text has no words"),
    ({"text": "Ann", "tags": ["O", "O"]}, "tags", "2 tags came for 1 word;"),
    ({"text": "Ann", "tags": ["B-cat"]}, "tags", 'tag "B-cat" is not one of names; it knows: B-person, B-place'),
    ({"text": "Ann Lee", "tags": ["O", "I-person"]}, "tags", 'tag 1 of the tags, "I-person", may not stand there'),
    ({"text": "Ann", "spans": [{"type": "cat", "start": 0, "end": 3}]}, "spans", "it knows: person, place"),
    ({"text": "Ann", "spans": [{"type": "person", "start": 0, "end": 2}]}, "spans", "begins or ends within a word"),
    ({"text": "Ann", "spans": [{"type": "person", "start": 0, "end": 9}]}, "spans", "span 0-9 (person) is not in its"),
    ({"text": "Ann", "spans": [{"type": "person", "start": 3, "end": 3}]}, "spans", "is not in its text"),
    ({"text": "Ann", "spans": [{"type": "person", "start": 0, "end": 3}, {"type": "place", "start": 0, "end": 3}]},
     "spans", "overlaps 0-3 'Ann' (person)"),
    ({"text": "Ann", "spans": [{"type": "person", "start": -1, "end": 3}]}, "spans", "it must be 0 or more"),
    ({"text": "\ud800", "tags": ["O"]}, "text", "half of a surrogate pair"),
    ({"text": "we", "model": "pos", "spans": []}, "spans", "the tags of pos mark words, not spans"),
    ({"text": "Ann", "tags": ["O"], "file": "/etc/passwd"}, "file", 'unknown field "file"'),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param", "words"), BAD)
def test_mistakes_write_nothing(client: TestClient, file: Path, body: dict[str, Any], param: str, words: str) -> None:
    answer = client.post(CORRECT, content=json.dumps(body), headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (422, param), answer.text
    assert words in error["message"] and "\n" not in error["message"]
    assert not file.exists()


@pytest.mark.slow
def test_lines_of_many_clients_stay_whole(client: TestClient, file: Path) -> None:
    file.write_text('{"text": "Oslo", "spans": []}')  # an editor left out the last line end
    texts = [f"Ann {'x' * number}" for number in range(1, 60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: ask(client, CORRECT, text=text, tags=["B-person", "O"])["saved"], texts))
    assert sorted(found) == list(range(1, 60))
    assert sorted(read(file)) == sorted([("Oslo", ("O",)), *((text, ("B-person", "O")) for text in texts)])


def test_a_full_disk_leaves_no_half_line(client: TestClient, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(client, CORRECT, text="Ann", tags=["O"])
    before = file.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        error = ask(client, CORRECT, text="Ann", tags=["B-person"], status=507)["error"]
    assert error["code"] == "not_saved" and str(file) not in error["message"]
    assert file.read_bytes() == before
    assert ask(client, CORRECT, text="Ann", tags=["B-person"])["saved"] == 2


def test_the_file_is_bounded(make: Make, file: Path) -> None:
    client = make({"names": tagger()}, corrections=file, limits=Limits(max_corrections=1))
    text = "a" * 600_000
    ask(client, CORRECT, text=text, tags=["O"])
    error = ask(client, CORRECT, text=text, tags=["O"], status=507)["error"]
    assert error["code"] == "corrections_full" and "1 megabytes" in error["message"]
    assert len(read(file)) == 1


def test_other_files_are_never_touched(tmp_path: Path) -> None:
    for name, content, words in (
        ("train.conllu", None, "name a file that ends in .jsonl"),
        ("train.jsonl", "We\tPRON\n", "holds something else than JSON lines"),
        ("no/such.jsonl", None, "there is no folder"),
    ):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(UsageError, match=words):
            Corrections(tmp_path / name, Limits())
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UsageError, match="something else"):
        Corrections(tmp_path / "folder.jsonl", Limits())
    Corrections(tmp_path / "new.jsonl", Limits())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.jsonl", "train.jsonl"]
