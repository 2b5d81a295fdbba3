"""Mistakes that `elman serve` says at once."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--port", "70000"), "--port is 70000; it must be 0 to 65535"),
        (("--port", "x"), "--port"),
        (("--max-tokens", "0"), "--max-tokens is 0; it must be above 0"),
        (("--session-seconds", "nan"), "--session-seconds is nan"),
        (("--cors", "example.org"), "--cors is 'example.org'; it must be like https://example.org"),
        (("--cors", "https://example.org/page"), "it must be like https://example.org"),
        (("--api-key", ""), "the API key is empty"),
        (("--api-key", "a b"), "letters and digits"),
        (("--host", "no.such.host.invalid"), "choose another --port or --host"),
    ],
)
def test_flags(cli: Call, ngram_folder: Path, flags: tuple[str, ...], words: str) -> None:
    found = cli("serve", ngram_folder, *flags)
    assert found.code == 2 and words in found.err and "Traceback" not in found.err


def test_a_port_that_is_taken(cli: Call, ngram_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = cli("serve", ngram_folder, "--port", port)
    assert found.code == 2 and f"cannot listen on 127.0.0.1:{port}" in found.err


def test_models_that_are_none_or_called_the_same(cli: Call, ngram_folder: Path) -> None:
    assert "does not exist" in cli("serve", "nowhere").err
    both = cli("serve", ngram_folder, f"ngram={ngram_folder}")
    assert both.code == 2 and "would both be called 'ngram'" in both.err and "NAME=MODEL" in both.err
