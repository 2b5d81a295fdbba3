"""Small models behind the application, in this process, for clients and for a browser."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import uvicorn
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


def fit(level: Level, order: int = 3, lines: Sequence[str] = LINES) -> Model:
    """An n-gram of a few lines."""
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(level=level))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    model = fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=order))
    return Model(model, Speller.fit({word: 1 for line in lines for word in line.split()}))


class Counting:
    """A LanguageModel that counts what it is asked: rows of each call, by method."""

    forgets_lines = False

    def __init__(self, lm: Any, *, batchable: bool = True) -> None:
        self.lm = lm
        self.tokenizer, self.exact, self.model_hash = lm.tokenizer, lm.exact, lm.model_hash
        self.batchable = batchable
        self.stepwise = getattr(lm, "stepwise", False)
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


@contextmanager
def serving(models: dict[str, Any], **options: Any) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    app = create_app(models, **options)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving({"words": fit("word"), "letters": fit("char", order=6)}) as found:
        yield found


_WAITING: dict[Any, set[Any]] = {}
"""The requests of each visited page that have no answer yet."""


class Visit:
    """A page, what it asked for, and what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        waiting = _WAITING[page] = set()
        page.set_default_timeout(40_000)
        page.on("request", lambda request: (self.requests.append(request.url), waiting.add(request)))
        page.on("requestfinished", lambda request: waiting.discard(request))
        page.on("requestfailed", lambda request: waiting.discard(request))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self.mistakes.append(message.text) if message.type == "error" else None)


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    found = Visit(context.new_page())
    found.page.goto(address)
    found.page.wait_for_selector("textarea")
    yield found
    del _WAITING[found.page]
    context.close()
    assert not found.mistakes
    assert all(url.startswith((address, "data:")) for url in found.requests), found.requests


Open = Callable[..., Visit]


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """``opened(models, limits=.., width=..)``: the page of a server of these models."""
    with ExitStack() as stack:

        def open_page(models: dict[str, Any], *, width: int = 1000, scheme: Any = "light", **options: Any) -> Visit:
            address = stack.enter_context(serving(models, **options))
            context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
            stack.callback(context.close)
            visit = Visit(context.new_page())
            visit.page.goto(address)
            visit.page.wait_for_selector("textarea:visible, svg:visible, input:visible, #trouble:visible")
            stack.callback(lambda: _check_visit(visit, address))
            return visit

        yield open_page


def _check_visit(visit: Visit, address: str) -> None:
    assert not visit.mistakes
    assert all(url.startswith((address, "data:")) for url in visit.requests), visit.requests


def until(page: Any, expression: str) -> None:
    """Wait for an expression to become true; the page forbids what playwright does for that."""
    for _ in range(2000):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never true: {expression}")


def typed(page: Any, text: str) -> None:
    """Type, and wait for the answer to the last key."""
    page.locator("textarea").first.focus()
    page.keyboard.type(text)
    settle(page)


def settle(page: Any) -> None:
    """Wait for the page to ask for what the last key made it ask for, and for all answers."""
    # By the page's own clock: on a busy machine its timers come later than those out here.
    page.evaluate("new Promise((done) => setTimeout(done, 250))")
    for _ in range(2000):
        if not _WAITING.get(page):
            break
        page.wait_for_timeout(20)
    page.wait_for_timeout(20)


def contrast(first: list[float], second: list[float]) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""

    def luminance(color: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color[:3])]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
