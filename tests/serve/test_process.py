"""The command as a process of its own: streams while it writes, drains at SIGTERM, drops who is
silent or deaf."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.classifiers import write_classifier
from tests.serve.conftest import fit

from elman.api import Model
from elman.serve.server import listen

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    fit("word").save(folder / "words")
    model: Model = fit("char")
    model.save(folder / "letters")
    fit("word").export(folder / "words.arpa.gz")
    write_classifier(folder / "reviews")
    return folder


class Process:
    """`elman serve`, answering."""

    def __init__(self, folder: Path, *words: str, key: str | None = None) -> None:
        command = [sys.executable, "-m", "elman", "serve", *words, "--port", "0", "--json"]
        env = {**os.environ, **({"ELMAN_API_KEY": key} if key else {})}
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        assert self.process.stdout is not None
        head = self.process.stdout.readline()
        assert head, self.process.communicate()[1]
        self.told = json.loads(head)
        self.port = int(self.told["url"].rpartition(":")[2])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        connection = self.connect()
        data = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def stop(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, talk = self.process.communicate(timeout=20)
        return self.process.returncode, talk


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Process]:
    process = Process(
        folder, "words/", "letters", "arpa=words.arpa.gz", "labels=reviews", "--max-tokens", "1000000",
        "--body-seconds", "0.5", "--send-seconds", "0.5",
    )  # fmt: skip
    yield process
    code, talk = process.stop()
    assert code == 0 and "Traceback" not in talk, talk


def test_models_of_every_kind(served: Process) -> None:
    assert served.told["models"] == ["words", "letters", "arpa", "labels"]
    assert served.told["url"] == f"http://127.0.0.1:{served.port}"
    for name in ("words", "letters", "arpa"):
        status, text = served.ask("/v1/complete", {"prompt": "", "model": name, "session": "me"})
        assert status == 200 and json.loads(text)["words"][0]["probability"] > 0
    status, text = served.ask("/v1/predict", {"input": ["a lovely film", "awful"]})
    assert status == 200 and [each["labels"] for each in json.loads(text)["predictions"]] == [["pos"], ["neg"]]
    assert served.ask("/healthz", Host="evil.example")[0] == 421


def test_the_second_packet_of_an_answer_waits_for_nothing() -> None:
    with listen("127.0.0.1", 0) as opened, socket.create_connection(opened.getsockname()):
        connection, _ = opened.accept()
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()


def test_a_stream_comes_while_it_is_written(served: Process) -> None:
    connection = served.connect()
    body = json.dumps({"model": "letters", "prompt": "the", "stream": True, "max_tokens": 1_000_000})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.getheader("content-type", "").startswith("text/event-stream")
    assert json.loads(answer.readline().removeprefix(b"data: "))["choices"][0]["text"]
    connection.close()
    _until(lambda: "elman_completions_running 0.0\n" in served.ask("/metrics")[1])


def test_a_client_that_does_not_read_is_dropped(served: Process) -> None:
    body = b'{"model": "letters", "prompt": "the", "stream": true, "max_tokens": 1000000}'
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        _until(lambda: "elman_completions_running 1.0\n" in served.ask("/metrics")[1])
        _until(lambda: "elman_completions_running 0.0\n" in served.ask("/metrics")[1])


def test_a_client_that_does_not_talk_is_dropped(served: Process) -> None:
    for begun in (b"", b"GET /healthz HTTP/1.1\r\nHost: loc"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as opened:
            opened.sendall(begun)
            with pytest.raises(ConnectionResetError):
                assert opened.recv(100) == b""
                raise ConnectionResetError  # an end is as good


def test_sigterm_finishes_what_runs_and_refuses_the_rest(folder: Path) -> None:
    process = Process(folder, "letters", key="sesame")
    key = {"Authorization": "Bearer sesame"}
    assert process.ask("/v1/models")[0] == 401
    texts: list[str] = []

    def stream() -> None:
        body = {"prompt": "the", "stream": True, "max_tokens": 800, "seed": 1}
        texts.append(process.ask("/v1/completions", body, **key)[1])

    reader = threading.Thread(target=stream)
    reader.start()
    _until(lambda: "elman_completions_running 1.0\n" in process.ask("/metrics", **key)[1])
    process.process.send_signal(signal.SIGTERM)
    refused = []
    while reader.is_alive():
        try:
            refused.append(process.ask("/v1/models", **key)[0])
        except OSError:  # it has ended
            break
        time.sleep(0.01)
    reader.join()
    code, talk = process.stop()
    assert code == 0, talk
    assert texts[0].endswith("data: [DONE]\n\n") and '"finish_reason":"length"' in texts[0]
    assert 503 in refused and "finishing" in talk and "Traceback" not in talk


def test_what_is_cut_off_is_told_so(folder: Path) -> None:
    process = Process(
        folder, "letters", "--max-tokens", "100000000", "--max-answer", "100000000", "--drain-seconds", "0.2"
    )
    connection = process.connect()
    body = json.dumps({"prompt": "the", "max_tokens": 100_000_000})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    while "elman_completions_running 1.0" not in process.ask("/metrics")[1]:
        time.sleep(0.02)
    code, talk = process.stop()
    answer = connection.getresponse()
    assert answer.status == 503 and json.loads(answer.read())["error"]["code"] == "shutting_down"
    assert code == 0 and "finishing 1 request;" in talk and "cut off: 1 request" in talk and "Traceback" not in talk


def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    process = Process(folder, "letters", "--max-tokens", "100000000")
    connection = process.connect()
    body = json.dumps({"prompt": "the", "stream": True, "max_tokens": 100_000_000})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    connection.getresponse().readline()
    begin = time.monotonic()
    process.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.process.poll() is None
    code, talk = process.stop()
    assert "Traceback" not in talk
    assert code == 0 and time.monotonic() - begin < 15
    connection.close()


def _until(true: Any) -> None:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < 30, "it did not happen"
        time.sleep(0.01)
