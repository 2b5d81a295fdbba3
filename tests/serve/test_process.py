"""The command as a process of its own: streams while it writes, drains at SIGTERM, drops who is
silent or deaf."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serve.classifiers import write_classifier
from tests.serve.conftest import fit
from tests.serve.processes import Loaded, Process, until

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


@pytest.fixture(scope="module")
def loaded() -> Iterator[Loaded]:
    found = Loaded()
    yield found
    found.end()


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
    until(lambda: "elman_completions_running 0.0\n" in served.ask("/metrics")[1])


def test_a_client_that_does_not_read_is_dropped(served: Process) -> None:
    body = b'{"model": "letters", "prompt": "the", "stream": true, "max_tokens": 1000000}'
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        until(lambda: "elman_completions_running 1.0\n" in served.ask("/metrics")[1])
        until(lambda: "elman_completions_running 0.0\n" in served.ask("/metrics")[1])


def test_a_client_that_does_not_talk_is_dropped(served: Process) -> None:
    for begun in (b"", b"GET /healthz HTTP/1.1\r\nHost: loc"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as opened:
            opened.sendall(begun)
            with pytest.raises(ConnectionResetError):
                assert opened.recv(100) == b""
                raise ConnectionResetError  # an end is as good


def test_sigterm_finishes_what_runs_and_refuses_the_rest(folder: Path, loaded: Loaded) -> None:
    process = Process(folder, "letters", key="sesame", loaded=loaded)
    key = {"Authorization": "Bearer sesame"}
    assert process.ask("/v1/models")[0] == 401
    texts: list[str] = []

    def stream() -> None:
        body = {"prompt": "the", "stream": True, "max_tokens": 800, "seed": 1}
        texts.append(process.ask("/v1/completions", body, **key)[1])

    reader = threading.Thread(target=stream)
    reader.start()
    until(lambda: "elman_completions_running 1.0\n" in process.ask("/metrics", **key)[1])
    process.send_signal(signal.SIGTERM)
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


def test_what_is_cut_off_is_told_so(folder: Path, loaded: Loaded) -> None:
    limits = "--max-tokens", "100000000", "--max-answer", "100000000", "--drain-seconds", "0.2"
    process = Process(folder, "letters", *limits, loaded=loaded)
    connection = process.connect()
    body = json.dumps({"prompt": "the", "max_tokens": 100_000_000})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    until(lambda: "elman_completions_running 1.0\n" in process.ask("/metrics")[1])
    code, talk = process.stop()
    answer = connection.getresponse()
    assert answer.status == 503 and json.loads(answer.read())["error"]["code"] == "shutting_down"
    assert code == 0 and "finishing 1 request;" in talk and "cut off: 1 request" in talk and "Traceback" not in talk


def test_a_second_signal_ends_it_at_once(folder: Path, loaded: Loaded) -> None:
    process = Process(folder, "letters", "--max-tokens", "100000000", loaded=loaded)
    connection = process.connect()
    body = json.dumps({"prompt": "the", "stream": True, "max_tokens": 100_000_000})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    connection.getresponse().readline()
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.runs()
    code, talk = process.stop()
    assert "Traceback" not in talk
    assert code == 0 and time.monotonic() - begin < 15
    connection.close()
