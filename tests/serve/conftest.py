"""Small models behind the application, in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from elman.api import Model
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.serve.app import create_app
from elman.serve.limits import Limits
from elman.text.speller import Speller
from elman.text.splitting import Level
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = [
    "the cat sat on the mat",
    "the cat ran to the café",
    "a dog sat on the cat",
    "猫 and a dog ran",
    "the catalogue is on the mat, and the dog ran.",
] * 4
HOST = "http://127.0.0.1"


def fit(level: Level, order: int = 3) -> Model:
    """An n-gram of a few lines."""
    tokenizer = Tokenizer.fit(LINES, config=TokenizerConfig(level=level))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in LINES])
    model = fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=order))
    return Model(model, Speller.fit({word: 1 for line in LINES for word in line.split()}))


class Counting:
    """A LanguageModel that counts what it is asked: rows of each call, by method."""

    forgets_lines = False

    def __init__(self, lm: Any, *, batchable: bool = True) -> None:
        self.lm = lm
        self.tokenizer, self.exact, self.model_hash = lm.tokenizer, lm.exact, lm.model_hash
        self.batchable = batchable
        self.calls: dict[str, list[int]] = {"advance": [], "log_probs": [], "score": []}

    def reset(self) -> None:
        for rows in self.calls.values():
            rows.clear()

    def start(self, batch: int = 1) -> Any:
        return self.lm.start(batch)

    def log_probs(self, state: Any) -> Any:
        assert self.batchable or state.batch == 1
        self.calls["log_probs"].append(state.batch)
        return self.lm.log_probs(state)

    def advance(self, ids: Any, state: Any) -> Any:
        assert self.batchable or state.batch == 1
        self.calls["advance"].append(state.batch)
        return self.lm.advance(ids, state)

    def score(self, ids: Any, lengths: Any, state: Any) -> Any:
        assert self.batchable or state.batch == 1
        self.calls["score"].append(state.batch)
        return self.lm.score(ids, lengths, state)

    def features(self, state: Any) -> Any:
        return self.lm.features(state)

    def describe(self) -> dict[str, Any]:
        return self.lm.describe()


LEVELS: list[Level] = ["word", "subword", "char", "byte"]


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    """One model of each level, by its name."""
    return {level: fit(level, order=3 if level == "word" else 5) for level in LEVELS}


Make = Callable[..., TestClient]


@pytest.fixture
def make() -> Iterator[Make]:
    """A client of a server made for one test: ``make(models, limits..., key=...)``."""
    with ExitStack() as stack:

        def made(models: dict[str, Model], *, limits: Limits | None = None, **options: Any) -> TestClient:
            app = create_app(models, limits=limits, **options)
            return stack.enter_context(TestClient(app, base_url=HOST, raise_server_exceptions=True))

        yield made


@pytest.fixture(scope="session")
def client(models: dict[str, Model]) -> Iterator[TestClient]:
    """A client of a server with all levels and no special limits."""
    with TestClient(create_app(models), base_url=HOST) as opened:
        yield opened


def ask(client: TestClient, path: str, *, status: int = 200, **body: Any) -> Any:
    """The JSON answer to a POST."""
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()
