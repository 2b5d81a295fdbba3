"""Small models behind the application, in this process, for clients and for a browser."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
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
    return _fit(level, order, tuple(lines))


@cache
def _fit(level: Level, order: int, lines: tuple[str, ...]) -> Model:
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


def serving(models: dict[str, Any], **options: Any) -> AbstractContextManager[str]:
    """The address of a server in a thread of this process."""
    return running(create_app(models, **options))


@contextmanager
def running(app: Any) -> Iterator[str]:
    """The address of a server of an application."""
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


_WATCH = """(() => {
  const after = window.setTimeout, forget = window.clearTimeout, send = window.fetch, timers = new Set();
  let asked = 0;
  window.setTimeout = (act, delay, ...given) => {
    // What takes longer is told to those who hear the page, when all else has come to rest.
    if (delay >= 800) return after(act, delay, ...given);
    const id = after(() => { timers.delete(id); act(...given); }, delay);
    timers.add(id);
    return id;
  };
  window.clearTimeout = (id) => { timers.delete(id); forget(id); };
  const counted = async (promise) => {
    asked += 1;
    try { return await promise; } finally { asked -= 1; }
  };
  window.fetch = async (...given) => {
    const answer = await counted(send(...given));
    answer.json = () => counted(Response.prototype.json.call(answer));
    return answer;
  };
  window.settled = async () => {
    for (let calm = 0; calm < 3; calm = timers.size || asked ? 0 : calm + 1) {
      await new Promise((done) => after(done, 4));
    }
  };
})()"""
"""Runs in a page before its own code: `settled()` waits for its timers and for its questions."""
_RENEW = """async () => {
  localStorage.clear();
  for (const field of document.querySelectorAll("main textarea")) {
    field.value = "";
    field.dispatchEvent(new InputEvent("input", {bubbles: true}));
  }
  // As with a key that was just given, the page asks for the models.
  document.getElementById("ask-key").requestSubmit();
  await settled();
  document.querySelector("[role=tab]:not([hidden])")?.click();
  await settled();
  const models = [...document.querySelectorAll("#model option")].map((each) => each.value);
  const chosen = ["model", "second"].map((id) => document.getElementById(id).value);
  return chosen[0] === (models[0] ?? "") && chosen[1] === (models[1] ?? "") && !document.querySelector(".seen")
    && [...document.querySelectorAll("main textarea, main input")].every((each) =>
      each.type === "checkbox" ? !each.checked : each.value === "");
}"""
"""Makes a page as it is when it is opened; false: something is left of what was done on it."""


class Visit:
    """A page, what it asked for, and what went wrong in it.

    Args:
        address: of its server.
        options: of playwright's ``new_context``.
    """

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        self.context.add_init_script(_WATCH)
        self.page = page = self.context.new_page()
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        page.set_default_timeout(40_000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self.mistakes.append(message.text) if message.type == "error" else None)
        self.load()

    def load(self) -> None:
        """Open the page anew."""
        self.page.goto(self.address)
        self.page.wait_for_selector("textarea:visible, svg:visible, input:visible, #trouble:visible")

    def renew(self) -> None:
        """Make it as it is when it is opened."""
        self.page.unroute_all()
        self.page.mouse.move(0, 0)
        if not self.page.evaluate(_RENEW):
            self.load()
        self.requests.clear()
        self.mistakes.clear()

    def check(self) -> None:
        """Nothing went wrong, and nobody but the server was asked."""
        assert not self.mistakes
        assert all(url.startswith((self.address, "data:")) for url in self.requests), self.requests


class Pages:
    """One page for many tests: the models behind it change, which is quicker than to load its
    dozens of files."""

    def __init__(self, browser: Any, stack: ExitStack) -> None:
        self._browser = browser
        self._apps: dict[Any, tuple[Any, Any]] = {}
        self._app: Any = None
        self.address = stack.enter_context(running(self))
        self._visit: Visit | None = None
        stack.callback(lambda: self._visit and self._visit.context.close())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for app, _ in self._apps.values():
            app.state.server.close()
        await send({"type": "lifespan.shutdown.complete"})

    def serve(self, models: dict[str, Any], **options: Any) -> None:
        """Answer with these models."""
        if self._visit is not None:
            settle(self._visit.page)
        key = (*((name, id(model)) for name, model in models.items()), repr(options))
        if key not in self._apps:
            # The models are kept, too, so that no other one gets the id of one.
            self._apps[key] = create_app(models, **options), models
        self._app = self._apps[key][0]

    def visit(self, *, width: int = 1000, scheme: Any = "light") -> Visit:
        """The page as it is when it is opened."""
        size = {"width": width, "height": 700}
        if self._visit is None:
            self._visit = Visit(self._browser, self.address, viewport=size, color_scheme=scheme)
        else:
            self._visit.page.set_viewport_size(size)
            self._visit.page.emulate_media(color_scheme=scheme)
            self._visit.renew()
        return self._visit


@pytest.fixture(scope="module")
def pages(browser: Any) -> Iterator[Pages]:
    with ExitStack() as stack:
        yield Pages(browser, stack)


@pytest.fixture
def address(pages: Pages) -> str:
    """That of two models."""
    pages.serve({"words": fit("word"), "letters": fit("char", order=6)})
    return pages.address


@pytest.fixture
def visit(pages: Pages, address: str) -> Iterator[Visit]:
    found = pages.visit()
    yield found
    found.check()


Open = Callable[..., Visit]


@pytest.fixture
def opened(pages: Pages) -> Iterator[Open]:
    """``opened(models, limits=.., width=..)``: the page of a server of these models."""
    found: list[Visit] = []

    def open_page(models: dict[str, Any], *, width: int = 1000, scheme: Any = "light", **options: Any) -> Visit:
        pages.serve(models, **options)
        found.append(pages.visit(width=width, scheme=scheme))
        return found[-1]

    yield open_page
    for each in found:
        each.check()


def until(page: Any, expression: str) -> None:
    """Wait for an expression to become true; the page forbids what playwright does for that."""
    looks = f"""async () => {{
      for (const end = Date.now() + 40_000; Date.now() < end; await new Promise((done) => setTimeout(done, 5))) {{
        if ({expression}) return true;
      }}
      return false;
    }}"""
    assert page.evaluate(looks), f"never true: {expression}"


def typed(page: Any, text: str) -> None:
    """Type, and wait for the answer to the last key."""
    page.locator("textarea").first.focus()
    page.keyboard.type(text)
    settle(page)


def settle(page: Any) -> None:
    """Wait for the page to ask for what the last key made it ask for, and for all answers."""
    page.evaluate("settled()")


def contrast(first: list[float], second: list[float]) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""

    def luminance(color: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color[:3])]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
