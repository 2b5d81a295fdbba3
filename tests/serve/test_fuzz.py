"""Requests made from the server's own OpenAPI document, sane and insane: no server error, nothing
undocumented."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.serve.classifiers import classifier
from tests.serve.compass import compass
from tests.serve.conftest import fit
from tests.serve.notes import notes
from tests.serve.painters import Painter
from tests.serve.readers import Counter
from tests.serve.seasons import forecaster
from tests.serve.taggers import tagger
from tests.serve.talkers import Talker
from tests.serve.translators import Backwards

from elman.serve.app import create_app
from elman.serve.limits import Limits

OPERATIONS = [
    ("POST", "/v1/complete"),
    ("POST", "/v1/score"),
    ("POST", "/v1/rescore"),
    ("POST", "/v1/correct"),
    ("POST", "/v1/memory"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/corrections"),
    ("POST", "/v1/translate"),
    ("POST", "/v1/caption"),
    ("POST", "/v1/similar"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/rank"),
    ("POST", "/v1/forecast"),
    ("POST", "/v1/answer"),
    ("POST", "/v1/reply"),
    ("POST", "/v1/summarize"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("GET", "/v1/learned"),
    ("DELETE", "/v1/learned"),
    ("DELETE", "/v1/learned/{word}"),
    ("POST", "/v1/learn"),
    ("DELETE", "/v1/sessions/{session}"),
    ("GET", "/health"),
    ("GET", "/healthz"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    schemathesis = pytest.importorskip("schemathesis")
    limits = Limits(max_tokens=32, max_choices=8, max_prompt_tokens=500, sessions=5)
    models = {"word": fit("word"), "byte": fit("byte"), "labels": classifier(), "compass": compass(), "names": tagger(),
              "notes": notes(), "back": Backwards(), "seasons": forecaster(), "talk": Talker(),
              "paint": Painter(features=True), "count": Counter()}  # fmt: skip
    file = tmp_path_factory.mktemp("corrections") / "file.jsonl"
    app = create_app(models, limits=limits, names=["testserver"], corrections=file)

    async def kept(scope: Any, receive: Any, send: Any) -> None:
        # schemathesis starts and ends the application with each request.
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    yield schemathesis.openapi.from_asgi("/openapi.json", kept)
    app.state.server.close()


@pytest.mark.slow
def test_the_document_lists_all(document: Any) -> None:
    found = [(each.ok().method.upper(), each.ok().path) for each in document.get_all_operations()]
    assert sorted(found) == sorted(OPERATIONS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # schemathesis' own
@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*each, "positive") for each in OPERATIONS] + [(*each, "negative") for each in OPERATIONS if each[0] == "POST"],
)
def test_from_its_own_document(document: Any, method: str, path: str, mode: str) -> None:
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    wanted = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    cases = document[path][method].as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def run(case: Any) -> None:
        answer = case.call()
        case.validate_response(answer, checks=wanted)
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    run()
