"""elman explain, as it is called."""

import json
from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def test_topics_and_a_page(cli: Call) -> None:
    listed = cli("explain")
    assert listed.code == 0
    topics = json.loads(cli("explain", "--json").out)["topics"]
    assert [line.split()[0] for line in listed.out.splitlines()] == [each["topic"] for each in topics]
    shown = cli("explain", "lstm")
    assert shown.code == 0 and shown.err == ""
    assert "  c = f * c + i * g  " in shown.out and "Hochreiter, Schmidhuber 1997" in shown.out
    found = json.loads(cli("explain", "lstm", "--json").out)
    assert found["equations"][4] == {"equation": "c = f * c + i * g", "meaning": "the cell"}
    assert "\n".join(f"  {line}".rstrip() for line in found["drawing"]) in shown.out


def test_an_unknown_topic(cli: Call) -> None:
    shown = cli("explain", "lsmt")
    assert shown.code == 2 and shown.out == ""
    assert shown.err.startswith("elman: there is no topic 'lsmt'; did you mean lstm?") and shown.err.count("\n") == 1
