"""The door: names, keys, sizes, other sites, too much at once, and clients that go away."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.serve.conftest import Make, ask

from elman.api import Model
from elman.serve.abilities import ContinuesText
from elman.serve.app import create_app
from elman.serve.limits import Limits

COMPLETE, COMPLETIONS = "/v1/complete", "/v1/completions"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1990", 200), ("localhost", 200), ("LOCALHOST.:80", 200), ("[::1]:1990", 200), ("192.168.1.7", 200),
        ("box.local:1990", 200), ("evil.example", 421), ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421), ("", 421),
    ],
)  # fmt: skip
def test_names_that_are_ours(make: Make, models: dict[str, Model], host: str, status: int) -> None:
    client = make({"word": models["word"]}, names=["Box.local"])
    answer = client.get("/v1/models", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["error"]["code"] == "unknown_host"


def test_a_key(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]}, key="sesame")
    for value in (None, "sesame", "Bearer", "Bearer sesam", "Bearer sesame2", "Basic sesame", "Bearer \xe9"):
        headers = {} if value is None else {"Authorization": value.encode("latin-1")}
        for path in ("/v1/models", "/metrics", "/openapi.json", "/nowhere"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/models", headers={"Authorization": "Bearer sesame"}).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_other_sites_only_if_allowed(make: Make, models: dict[str, Model]) -> None:
    body = b'{"prompt": "the"}'
    closed, opened = make(models), make(models, origins=["https://ours.example"], key="k")
    asking = {"Origin": "https://ours.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in closed.options(COMPLETE, headers=asking).headers
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = closed.post(COMPLETE, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415
    allowed = opened.options(COMPLETE, headers=asking)
    assert allowed.headers["access-control-allow-origin"] == "https://ours.example"
    foreign = opened.options(COMPLETE, headers={**asking, "Origin": "https://other.example"})
    assert "access-control-allow-origin" not in foreign.headers
    refused = opened.post(COMPLETE, content=body, headers=asking)
    assert refused.status_code == 401 and "access-control-allow-origin" in refused.headers


def test_bodies_that_are_too_large(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]}, limits=Limits(max_body=1000))
    json = {"Content-Type": "application/json"}
    exact = b'{"prompt": "' + b"a" * (1000 - 14) + b'"}'
    assert len(exact) == 1000 and client.post(COMPLETE, content=exact, headers=json).status_code == 200
    assert client.post(COMPLETE, content=exact + b" ", headers=json).status_code == 413
    in_parts = client.post(COMPLETE, content=(exact[i : i + 300] + b" " for i in range(0, 1000, 300)), headers=json)
    assert in_parts.status_code == 413 and "1000 bytes" in in_parts.json()["error"]["message"]


class Slow:
    """A model whose steps wait until they may go on, except those that the server makes when it
    starts: by the first it sees how long they take, here too long for its event loop."""

    def __init__(self, lm: Any) -> None:
        self._lm = lm
        self.free = threading.Event()
        self.started = False
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lm, name)

    def log_probs(self, state: Any) -> Any:
        if self.started:
            self.free.wait(10)
        elif self.steps == 0:
            begin = time.thread_time()
            while time.thread_time() - begin < 0.01:
                pass
        self.steps += 1
        return self._lm.log_probs(state)


@pytest.mark.slow
def test_too_much_at_once(make: Make, models: dict[str, Model]) -> None:
    slow = Slow(models["word"].lm)
    limits = Limits(max_waiting=2, max_running=1)
    client = make({"m": Model(slow, models["word"].speller)}, limits=limits)
    slow.started = True
    state = client.app.state.server  # type: ignore[attr-defined]
    answers: list[Any] = []

    def go(path: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.append(ask(client, path, prompt="the")))
        thread.start()
        return thread

    threads = [go(COMPLETIONS)]
    _until(lambda: state.running.inside == 1 and state.waiting.inside == 0)
    threads += [go(COMPLETE), go(COMPLETE)]
    _until(lambda: state.waiting.inside == 2)
    for path, what in ((COMPLETE, "2 requests"), (COMPLETIONS, "1 completions")):
        answer = client.post(path, json={"prompt": "the"})
        assert answer.status_code == 429 and answer.headers["retry-after"] == "1"
        assert answer.json()["error"]["code"] == "too_busy" and what in answer.json()["error"]["message"]
    slow.free.set()
    for thread in threads:
        thread.join()
    assert len(answers) == 3
    _until(lambda: state.waiting.inside == state.running.inside == 0)
    ask(client, COMPLETIONS, prompt="the")


@pytest.mark.slow
def test_what_takes_too_long_is_stopped(make: Make, models: dict[str, Model]) -> None:
    slow = Slow(models["word"].lm)
    client = make({"m": Model(slow, models["word"].speller)}, limits=Limits(request_seconds=0.1))
    slow.started = True
    for path in (COMPLETE, COMPLETIONS):
        error = ask(client, path, prompt="the", status=503)["error"]
        assert error["code"] == "timeout" and "--request-seconds" in error["message"]
    streamed = client.post(COMPLETIONS, json={"prompt": "the", "stream": True}).text
    assert '"code":"timeout"' in streamed and "[DONE]" not in streamed
    slow.free.set()


def test_draining_refuses_what_is_new(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]})
    client.app.state.server.activity.draining = True  # type: ignore[attr-defined]
    for path in ("/healthz", "/v1/models"):
        answer = client.get(path)
        assert answer.status_code == 503 and answer.headers["connection"] == "close"
        assert answer.json()["error"]["code"] == "shutting_down"


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def _call(
    app: Any,
    path: str,
    body: bytes,
    *,
    leave: Callable[[list[Any]], bool],
    slow_body: bool = False,
    stuck: bool = False,
) -> list[Any]:
    """One request as a server sees it; the client goes when ``leave`` says so of what was sent."""
    sent: list[Any] = []

    async def talk() -> None:
        asked = [{"type": "http.request", "body": body, "more_body": slow_body}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            while not leave(sent):
                await asyncio.sleep(0.005)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if stuck and message.get("body"):
                await asyncio.sleep(100)

        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("1", 1),
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
            "state": {"abort": lambda: sent.append("abort")},
        }  # fmt: skip
        await asyncio.wait_for(app(scope, receive, send), 20)

    asyncio.run(talk())
    return sent


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_stops_the_work(models: dict[str, Model], stream: bool) -> None:
    slow = Slow(models["word"].lm)
    slow.free.set()
    app = create_app({"m": Model(slow, models["word"].speller)}, limits=Limits(max_tokens=10**6))
    server = app.state.server
    body = f'{{"prompt": "the", "max_tokens": 1000000, "stream": {str(stream).lower()}}}'.encode()
    _call(app, COMPLETIONS, body, leave=lambda sent: slow.steps > 50)
    assert server.running.inside == 0 and server.activity.running == 0
    time.sleep(0.05)
    steps = slow.steps
    time.sleep(0.05)
    assert slow.steps == steps
    server.close()


@pytest.mark.slow
def test_a_client_that_goes_frees_its_thread(models: dict[str, Model]) -> None:
    slow = Slow(models["word"].lm)
    app = create_app({"m": Model(slow, models["word"].speller)})
    slow.started = True
    server = app.state.server

    def run() -> None:
        _call(app, COMPLETE, b'{"prompt": "the"}', leave=lambda sent: server.waiting.inside == 1)

    run()
    assert server.waiting.inside == 1  # the thread is still at work
    slow.free.set()
    server.close()


def test_a_client_that_does_not_read_is_dropped(models: dict[str, Model]) -> None:
    app = create_app({"word": models["word"]}, limits=Limits(send_seconds=0.05))
    sent = _call(app, COMPLETIONS, b'{"prompt": "the", "stream": true}', leave=lambda sent: False, stuck=True)
    assert sent[-1] == "abort" and app.state.server.running.inside == 0
    app.state.server.close()


def test_a_body_that_does_not_come(models: dict[str, Model]) -> None:
    app = create_app({"word": models["word"]}, limits=Limits(body_seconds=0.05))
    sent = _call(app, COMPLETE, b'{"prompt": ', leave=lambda sent: False, slow_body=True)
    assert sent[0]["status"] == 408 and b"0.05 seconds" in sent[1]["body"]
    app.state.server.close()


def test_a_huge_request_is_split_into_steps(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]})
    batcher = client.app.state.server.loaded.able("word", ContinuesText).batcher  # type: ignore[attr-defined]
    batcher.most = 3
    many = ask(client, COMPLETIONS, prompt=["the", "a"], n=5, seed=1, max_tokens=6, stop=["cat"])["choices"]
    batcher.most = 64
    assert many == ask(client, COMPLETIONS, prompt=["the", "a"], n=5, seed=1, max_tokens=6, stop=["cat"])["choices"]
    assert np.unique([choice["text"] for choice in many]).size > 2
