"""/v1/summarize answers as elman.summarize does: by words, or by the vectors of a model."""

from typing import Any

from tests.serve.compass import compass
from tests.serve.conftest import Make, ask
from tests.serve.talkers import Talker

import elman
from elman.apps.summarizing import vectors_of
from elman.serve.limits import Limits

SUMMARIZE = "/v1/summarize"
TEXT = (
    "The mill stood by the river. The river drove the old mill. Anna laughed aloud that day.\n"
    "In winter the river froze, and the mill stood still. Go north, then east and south."
)


def test_it_is_what_summarize_gives(make: Make, models: Any) -> None:
    talker: Any = Talker()
    client = make({"word": models["word"], "compass": compass(), "talk": talker})
    found = ask(client, SUMMARIZE, text=TEXT)
    assert found == {"model": None, "sentences": [each.to_json() for each in elman.summarize(TEXT)]}
    for each in found["sentences"]:
        assert TEXT[each["start"] : each["end"]] == each["text"]
    short = ask(client, SUMMARIZE, text=TEXT, words=12, diversity=0)
    assert short["sentences"] == [each.to_json() for each in elman.summarize(TEXT, words=12, diversity=0.0)]
    text = "We drink tea with milk. The train is late today. Tea needs some sugar. Bread and cheese are here."
    wanted = elman.summarize(text, vectors=talker.reply_vectors, sentences=2)
    assert ask(client, SUMMARIZE, text=text, model="talk", sentences=2) == {
        "model": "talk", "sentences": [each.to_json() for each in wanted]
    }  # fmt: skip
    points = "North north east east. South is not north. Northeast east and north. East or south it is."
    wanted = elman.summarize(points, vectors=vectors_of(compass()), sentences=1)
    assert ask(client, SUMMARIZE, text=points, model="compass", sentences=1)["sentences"] == [wanted[0].to_json()]


def test_what_is_too_much_or_cannot_be_done_is_refused(make: Make, models: Any) -> None:
    client = make({"word": models["word"]}, limits=Limits(max_prompt_tokens=40))
    for body, status, words in (
        ({"text": TEXT * 3}, 413, "more than 40 tokens"),
        ({"text": "?!"}, 422, "there is no sentence to take"),
        ({"text": TEXT, "words": 3, "sentences": 3}, 422, "both say how long"),
        ({"text": TEXT, "diversity": 2}, 422, "diversity"),
        ({"text": TEXT, "model": "word"}, 400, "word continues text and has no vectors of sentences"),
        ({"text": TEXT, "model": "wrod"}, 404, "there is no model"),
    ):
        answer = client.post(SUMMARIZE, json=body)
        assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text
