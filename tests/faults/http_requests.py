"""Requests to every route of a server with a model of every kind, and what is changed in them."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from tests.faults.mutators import mutated, mutated_json
from tests.serve.classifiers import classifier
from tests.serve.compass import compass
from tests.serve.conftest import HOST, fit, serving
from tests.serve.notes import notes
from tests.serve.painters import Painter
from tests.serve.readers import Counter
from tests.serve.seasons import forecaster
from tests.serve.taggers import tagger
from tests.serve.translators import Backwards

from elman.serve.app import create_app
from elman.serve.limits import Limits

LIMITS = Limits(max_tokens=32, max_choices=8, max_prompt_tokens=500, sessions=5)
_STRINGS = {
    "model": ("word", "byte", "labels", "compass", "names", "notes", "back", "seasons", "paint", "count"),
    "series": ("a", "b"),
}


def served() -> dict[str, Any]:
    """A model of every kind by its name."""
    return {"word": fit("word"), "byte": fit("byte"), "labels": classifier(), "compass": compass(), "names": tagger(),
            "notes": notes(), "back": Backwards(), "seasons": forecaster(), "paint": Painter(),
            "count": Counter()}  # fmt: skip


def example(schema: Any, document: Any, name: str, rng: random.Random) -> Any:
    """A value that fits a schema of OpenAPI."""
    if "$ref" in schema:
        return example(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, name, rng)
    if "anyOf" in schema or "oneOf" in schema:
        return example(rng.choice(schema.get("anyOf") or schema["oneOf"]), document, name, rng)
    if "enum" in schema or "const" in schema:
        return rng.choice(schema.get("enum") or [schema["const"]])
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            properties = schema.get("properties", {}).items()
            return {
                key: example(of, document, key, rng) for key, of in properties if key in required or rng.random() < 0.3
            }
        case "array":
            return [example(schema.get("items", {}), document, name, rng) for _ in range(rng.randint(1, 3))]
        case "integer":
            return rng.randint(int(schema.get("minimum", 0)), 5)
        case "number":
            return rng.choice([0, 0.5, 1.0])
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
    return rng.choice(_STRINGS.get(name, ("the cat sat on", "Ann Lee", "cats", "north")))


class Requests:
    """Changed requests to one application, and to its server's socket."""

    def __init__(self, client: TestClient, address: str) -> None:
        self._client, self._port = client, int(address.rstrip("/").rpartition(":")[2])
        self._document = client.get("/openapi.json").json()
        self._operations = [(path, verb) for path, verbs in self._document["paths"].items() for verb in verbs]

    def request(self, rng: random.Random) -> str | None:
        """Send one changed request; says what is wrong with the answer."""
        path, verb = rng.choice(self._operations)
        body = b""
        content = self._document["paths"][path][verb].get("requestBody", {}).get("content", {})
        if content:
            schema = content["application/json"]["schema"]
            body = mutated_json(example(schema, self._document, "", rng), rng)
        path = path.replace("{model}", "word").replace("{session}", "s")
        if rng.random() < 0.1:
            path = "/" + mutated(path[1:].encode() or b"x", rng)[:2000].decode("latin-1")
        if rng.random() < 0.15:
            return self._by_socket(path, verb, body, rng)
        sent = "".join(part for part in path if part.isprintable() and part not in "?#")
        answer = self._client.request(
            verb.upper(), f"{HOST}{sent}", content=body, headers={"content-type": "application/json"}
        )
        if answer.status_code >= 500 and answer.status_code not in (501, 503):
            return f"{verb} {path[:100]} {body[:300]!r}: {answer.status_code} {answer.text[:300]}"
        return None

    def _by_socket(self, path: str, verb: str, body: bytes, rng: random.Random) -> str | None:
        """Bytes that are hardly HTTP any more."""
        head = f"{verb.upper()} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        sent = mutated(head.encode("latin-1") + b"Connection: close\r\n\r\n" + body[:20_000], rng)
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as opened:
            try:
                opened.sendall(sent)
                opened.shutdown(socket.SHUT_WR)
                answer = opened.recv(1 << 16)
            except TimeoutError:
                return f"no answer to {sent[:300]!r}"
            except OSError:  # it has hung up
                answer = b""
        return f"{sent[:300]!r}: {answer[:300]!r}" if answer[9:12] == b"500" else None


@contextmanager
def requests(folder: Path) -> Iterator[Requests]:
    """Changed requests to a server that keeps corrections in a folder."""
    models = served()
    app = create_app(models, limits=LIMITS, names=["testserver"], corrections=folder / "corrections.jsonl")
    with (
        serving(models, limits=LIMITS) as address,
        TestClient(app, base_url=HOST, raise_server_exceptions=True) as client,
    ):
        yield Requests(client, address)
    assert all(isinstance(json.loads(line), dict) for line in _lines(folder / "corrections.jsonl"))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
