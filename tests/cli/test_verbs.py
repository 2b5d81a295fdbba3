"""What each verb prints: results on stdout, talk on stderr, JSON with the keys that stay."""

import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture(params=["lstm", "ngram"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"{request.param}_folder")


def good(result: Any) -> Any:
    assert result.code == 0, result.err
    return result


def test_complete(cli: Call, folder: Path) -> None:
    shown = good(cli("complete", folder, "Anna sees the old"))
    first = shown.out.splitlines()[0].split()
    assert first[0] == "house" and first[1].endswith("%") and "█" in first[2]
    assert shown.err == ""
    found = json.loads(good(cli("complete", folder, "Anna sees the old", "--json", "-n", "2")).out)
    assert set(found) == {"prompt", "partial", "words", "oov", "read_as"}
    assert found["prompt"] == "Anna sees the old" and found["partial"] == ""
    assert [set(word) for word in found["words"]] == [{"text", "probability"}] * 2
    assert found["words"][0]["text"] == "house" and found["words"][0]["probability"] > 0.5


def test_a_half_typed_word_is_completed(cli: Call, folder: Path) -> None:
    found = json.loads(good(cli("complete", folder, "Anna sees the old ho", "--json")).out)
    assert found["partial"] == "ho"
    assert found["words"][0]["text"] == "house" and found["words"][0]["probability"] == pytest.approx(1, abs=1e-3)


def test_unknown_words_are_read_and_said(cli: Call, folder: Path) -> None:
    shown = good(cli("complete", folder, "Anna sees the zyzzyva river", "--json"))
    assert json.loads(shown.out)["oov"] == ["zyzzyva"]
    assert "zyzzyva" in shown.err


@pytest.mark.slow
def test_a_prompt_of_which_nothing_is_known(cli: Call, folder: Path) -> None:
    for words in (("complete", folder, "zyzzyva quux ", "--strict"), ("generate", folder, "zyzzyva quux ")):
        result = cli(*words)
        assert result.code == 2 and "nothing of the prompt" in result.err and result.err.count("\n") == 1
    for prompt in ("zyzzyva quux ", "zyzzyva", "Anna zyz", "🙂", "Привет", ""):
        for phrase in ((), ("--phrase",)):
            found = good(cli("complete", folder, prompt, "-n", "3", *phrase))
            assert len(found.out.splitlines()) == 3, (prompt, phrase)
    for partial in ((), ("--partial",)):
        result = cli("complete", folder, "Anna sees zyz", "--strict", *partial)
        assert result.code == 2 and "begins with 'zyz'" in result.err
    assert good(cli("complete", folder, "ANNA SEES THE HOU", "--strict")).out.startswith("HOUSE")


def test_phrases(cli: Call, folder: Path) -> None:
    found = json.loads(good(cli("complete", folder, "Anna sees the old house in", "--phrase", "--json", "-n", "2")).out)
    assert found["phrases"][0]["text"].startswith("the morning")


def test_candidates_in_the_given_order(cli: Call, folder: Path) -> None:
    words = ("complete", folder, "Anna sees the old", "--candidates", "bird", "house", "xylophone")
    found = json.loads(good(cli(*words, "--json")).out)["candidates"]
    assert [each["text"] for each in found] == ["bird", "house", "xylophone"]
    assert found[1]["probability"] > found[0]["probability"] > found[2]["probability"] > 0
    assert good(cli(*words)).out.splitlines()[1].startswith("house")


@pytest.mark.slow
def test_block_lists(cli: Call, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "block.txt").write_text("River\n\nHOUSE\n")
    flags = ("--block-list", tmp_path / "block.txt", "--block", "tree", "-n", "30")
    found = good(cli("complete", folder, "Anna sees the old", *flags)).out
    listed = {line.split()[0] for line in found.splitlines()}
    assert not listed & {"house", "river", "tree"} and "bird" in listed
    (tmp_path / "more.txt").write_text("# stems and expressions\nhou*\n/^r.ver$/\n")
    both = ("--block", tmp_path / "more.txt", "--block", "builtin")
    phrases = good(cli("complete", folder, "Anna sees the old", *both, "--phrase", "-n", "8")).out
    assert "house" not in phrases and "river" not in phrases and phrases.count("\n") == 8
    written = good(cli("generate", folder, "Anna sees the old", *both, "--seed", "1", "--max-tokens", "200")).out
    plain = good(cli("generate", folder, "Anna sees the old", "--seed", "1", "--max-tokens", "200")).out
    assert "house" in plain and "house" not in written and "river" not in written
    nothing = good(cli("complete", folder, "Anna", "--block", "/./"))
    assert nothing.out == "" and "block fewer words" in nothing.err


def test_generate_is_repeatable_and_clean(cli: Call, folder: Path) -> None:
    one = good(cli("generate", folder, "Anna", "--seed", "3")).out
    assert one == good(cli("generate", folder, "Anna", "--seed", "3")).out
    assert one != good(cli("generate", folder, "Anna", "--seed", "4")).out
    assert one.startswith("Anna ") and "<unk>" not in one and "</s>" not in one
    greedy = json.loads(
        good(cli("generate", folder, "Anna sees the old", "--temperature", "0", "--stop", ".", "--json")).out
    )
    assert greedy["prompt"] == "Anna sees the old"
    assert greedy["text"].startswith(" house") and "." not in greedy["text"]


def test_score_reads_files_and_stdin(cli: Call, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "lines.txt"
    text.write_text("Anna sees the old house at night.\nnight old the Anna at.\n\nBen zyzzyvas.\n")
    lines = good(cli("score", folder, text)).out.splitlines()
    scores = [float(line.split("\t")[0]) for line in lines]
    assert [line.split("\t")[1] for line in lines] == text.read_text().splitlines()
    assert scores[0] > scores[1]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.read_bytes())))
    piped = [json.loads(line) for line in good(cli("score", folder, "--json", "--per-token")).out.splitlines()]
    assert [set(each) for each in piped] == [{"text", "log_prob", "tokens", "oov", "per_token"}] * 4
    assert [each["log_prob"] for each in piped] == pytest.approx(scores, abs=1e-3)
    assert [each["oov"] for each in piped] == [0, 0, 0, 1]
    for each in piped:
        assert math.fsum(token["log_prob"] for token in each["per_token"]) == pytest.approx(each["log_prob"])


def test_evaluate(cli: Call, folder: Path, text_file: Path) -> None:
    keys = {
        "perplexity",
        "bits_per_byte",
        "bits_per_char",
        "tokens",
        "oov",
        "oov_rate",
        "lines",
        "bytes",
        "context",
        "signature",
    }
    found = {}
    for context in ("carry", "document", "independent"):
        found[context] = json.loads(good(cli("evaluate", folder, text_file, "--context", context, "--json")).out)
        assert set(found[context]) == keys
        assert found[context]["context"] == context and f"context:{context}" in found[context]["signature"]
        assert found[context]["bytes"] == text_file.stat().st_size
    per_token = found["independent"]
    assert per_token["perplexity"] == pytest.approx(
        2 ** (per_token["bits_per_byte"] * per_token["bytes"] / per_token["tokens"]), rel=1e-6
    )
    shown = good(cli("evaluate", folder, text_file)).out
    assert "bits per byte" in shown and "signature: model:" in shown


@pytest.mark.slow
def test_mixing_at_evaluation(cli: Call, lstm_folder: Path, ngram_folder: Path, text_file: Path) -> None:
    words = ("evaluate", lstm_folder, text_file, "--json")
    alone = json.loads(good(cli(*words)).out)
    result = good(cli(*words, "--mix", ngram_folder, "--tune", text_file))
    both = json.loads(result.out)
    mixed = both.pop("adapted")
    assert both == alone
    other = json.loads(good(cli("evaluate", ngram_folder, text_file, "--json")).out)
    assert mixed["bits_per_byte"] <= min(alone["bits_per_byte"], other["bits_per_byte"]) + 1e-6
    assert "model:mixture" in mixed["signature"] and "|adapted:mixture-" in mixed["signature"]
    assert alone.keys() <= mixed.keys() and sum(mixed["adaptation"]["mixture"]["weights"]) == pytest.approx(1)
    assert "flatter the model" in result.err


@pytest.mark.slow
def test_adapting_at_evaluation(
    cli: Call, lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    names = ["Anna", "Ben", "Clara", "David", "Emma"]
    for path, order in (("tune.txt", "02413042"), ("test.txt", "31420314")):
        verses = (f"{names[int(each)]} sees the old house at night.\n" * 6 for each in order)
        (tmp_path / path).write_text("".join(verses))
    words = ("evaluate", lstm_folder, tmp_path / "test.txt", "--tune", tmp_path / "tune.txt", "--context", "carry")
    flags = ("--mix", ngram_folder, "--cache", "--dynamic")
    result = good(cli(*words, *flags, "--json"))
    assert "flatter" not in result.err and "fitted" in result.err
    found = json.loads(result.out)
    adapted = found["adapted"]
    assert [step["name"] for step in adapted["steps"]] == ["static", "mix", "cache", "dynamic"]
    assert adapted["steps"][0]["perplexity"] == found["perplexity"]
    assert adapted["steps"][-1]["signature"] == adapted["signature"]
    assert adapted["perplexity"] == adapted["steps"][-1]["perplexity"] < 0.8 * found["perplexity"]
    assert adapted["tokens"] == found["tokens"] and adapted["context"] == "carry"
    facts = adapted["adaptation"]
    assert {"dynamic", "mixture", "cache", "tuned_on", "context"} <= set(facts)
    assert f"|adapted:dynamic+mixture+cache-{facts['tuned_on'][:12]}|" in adapted["signature"]
    assert "|adapted:none|" in found["signature"]
    shown = good(cli(*words, "--cache")).out.splitlines()
    head, static, cached, signed = shown[-4:]
    assert head.split() == ["bits", "per", "byte", "perplexity"]
    assert static.startswith("static ") and static.endswith("+0.0%")
    assert cached.startswith("+ cache ") and float(cached.split()[-1].rstrip("%")) < -10
    assert signed.startswith("signature: model:cache-")


@pytest.mark.slow
def test_the_passports_text_is_tuned_on_and_said(cli: Call, lstm_folder: Path, text_file: Path) -> None:
    result = good(cli("evaluate", lstm_folder, text_file, "--cache", "--json"))
    card = json.loads(good(cli("info", lstm_folder, "--json")).out)
    valid = card["data"]["valid"]["sha256"]
    assert json.loads(result.out)["adapted"]["adaptation"]["tuned_on"] == valid
    assert "tuning on the validation text of the model card" in result.err and valid[:12] in result.err


@pytest.mark.slow
def test_info_and_doctor(cli: Call, folder: Path) -> None:
    shown = good(cli("info", folder)).out
    assert "bits per byte" in shown and "hash" in shown
    about = json.loads(good(cli("info", folder, "--json")).out)
    assert about["figures"]["test"]["signature"] and about["data"]["hash"] and about["machine"]["threads"] == 1
    checked = json.loads(good(cli("doctor", "--json")).out)
    assert {"python", "processor", "cores", "torch"} <= set(checked["facts"])


def test_info_of_a_mixture_and_of_a_passport_that_lies(
    cli: Call, lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    import elman
    from elman.storage.folder import write_card

    elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], text_file).save(tmp_path / "mixed")
    shown = good(cli("info", tmp_path / "mixed")).out
    assert "fitted on text" in shown and "--resume" not in shown
    model = elman.load(ngram_folder)
    model.save(tmp_path / "copy")
    card = {**model.card, "data": {**model.card["data"], "sources": ["\x1b[31mred"]}}
    write_card(tmp_path / "copy", card)
    assert "\x1b" not in good(cli("info", tmp_path / "copy")).out
    write_card(tmp_path / "copy", {**card, "figures": [1]})
    result = cli("info", tmp_path / "copy")
    assert result.code == 2 and "lacks what elman writes" in result.err


def test_help_of_every_verb_names_every_setting(cli: Call) -> None:
    from elman.cli.main import VERBS

    for verb in VERBS:
        shown = good(cli(verb, "--help")).out
        assert "--json" in shown, verb
    shown = cli("train", "--help").out
    for flag in ("hidden-size", "embedding-size", "layers", "order", "dropout", "rate", "level", "from"):
        assert f"--{flag} " in shown
    assert "--weights" not in shown


def test_training_prints_its_figures_as_json(cli: Call, text_file: Path, tmp_path: Path) -> None:
    result = good(cli("train", text_file, "--out", tmp_path / "m", "--model", "ngram", "--order", "2", "--json"))
    found = json.loads(result.out)
    assert found["folder"] == str(tmp_path / "m")
    assert found["valid"]["bits_per_byte"] > 0 and found["test"]["signature"]
    assert "hash" in result.err
