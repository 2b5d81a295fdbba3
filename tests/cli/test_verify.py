"""What `elman verify` prints, and its exit code."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elman.storage import folder as model_folder
from elman.storage.archive import read_sealed_json
from elman.tasks.verification import compare_cards


def test_it_holds(cli: Callable[..., Any], ngram_folder: Path) -> None:
    shown = cli("verify", ngram_folder, "--canary", "Anna sees {digits:2}=42")
    assert shown.code == 0, shown.err
    assert "config.json" in shown.out and "figures.test.perplexity" in shown.out and "not memorised" in shown.out
    assert shown.out.splitlines()[-1].startswith("holds: ")
    found = json.loads(cli("verify", ngram_folder, "--json").out)
    assert set(found) == {"holds", "files", "figures", "reason", "canaries"} and found["holds"]
    assert set(found["figures"][0]) == {"name", "stated", "derived", "tolerance", "holds"}


def test_it_does_not_hold(cli: Callable[..., Any], ngram_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ngram_folder, folder)
    card = read_sealed_json(folder / "model_card.json")
    card["figures"]["test"]["bits_per_byte"] *= 0.99
    model_folder.write_card(folder, card)
    shown = cli("verify", folder)
    assert shown.code == 2 and shown.out.splitlines()[-1] == "DOES NOT HOLD: figures.test.bits_per_byte"
    assert cli("verify", folder, "--tolerance", "0.02").code == 0
    (folder / "tokenizer.json").write_text("{}")
    damaged = cli("verify", folder, "--json")
    assert damaged.code == 2 and not json.loads(damaged.out)["holds"]


def test_mistakes_are_one_line(cli: Callable[..., Any], ngram_folder: Path, tmp_path: Path) -> None:
    for words, says in [
        ((tmp_path / "nothing",), "does not exist"),
        ((tmp_path,), "not a model folder"),
        ((ngram_folder, "--canary", "pin"), "add the secret"),
        ((ngram_folder, "--tolerance", "-1"), "--tolerance is -1"),
    ]:
        shown = cli("verify", *words)
        assert shown.code == 2 and says in shown.err and shown.err.count("\n") == 1 and not shown.out, shown.err


def test_a_rival_that_cannot_be_trained_here_is_no_contradiction() -> None:
    def card(*rivals: dict[str, Any]) -> dict[str, Any]:
        return {"figures": {"valid": {"f1": 0.5, "rivals": list(rivals)}}}

    tfidf, majority = {"name": "TF-IDF", "f1": 0.4}, {"name": "majority", "f1": 0.2}
    stated = card(tfidf, majority)
    found = {each.name: each.holds for each in compare_cards(stated, card(majority), tolerance=1e-3)}
    assert found == {
        "figures.valid.f1": True,
        "figures.valid.rivals.TF-IDF.f1": None,
        "figures.valid.rivals.majority.f1": True,
    }
    worse = compare_cards(stated, card({"name": "TF-IDF", "f1": 0.45}, {"name": "majority"}), tolerance=1e-3)
    assert [each.holds for each in worse] == [True, False, None]
