"""The page on low-level access: its examples run, and what it gives agrees at every kind of
model."""

import doctest
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.errors import ModelError

PAGE = Path(__file__).parents[1] / "docs" / "lowlevel.md"
PREFIXED = [("the old house at night.", "Anna sees"), ("zyzzyva, the", ""), ("", "Anna"), (", too", "Ben.\nAnna")]


def test_the_examples_of_the_page(
    lstm_folder: Path, ngram_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").symlink_to(lstm_folder)
    (tmp_path / "words").symlink_to(ngram_folder)
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.failed == 0 and found.attempted > 30
    assert PAGE.read_text(encoding="utf-8").count("\n## ") == 10


@pytest.fixture(params=["lstm", "lstm-torch", "ngram", "mixture"])
def model(request: pytest.FixtureRequest, lstm_folder: Path, ngram_folder: Path, text_file: Path) -> elman.Model:
    if request.param == "mixture":
        return elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], text_file)
    kind, _, torch = request.param.partition("-")
    return elman.load(lstm_folder if kind == "lstm" else ngram_folder, torch=bool(torch))


def test_tables_states_and_scores_agree(model: elman.Model) -> None:
    for line, prefix in PREFIXED:
        scored = model.score(line, prefix=prefix, spelling=False)
        table = model.line_log_probs(line, prefix=prefix)
        assert table.shape == (scored.tokens, model.lm.tokenizer.size)
        assert model.next_log_probs(prefix) == pytest.approx(table[0], abs=1e-4)
        if line.startswith(","):  # without a space after its prefix, it is another token
            continue
        ids = [token.id for token in model.tokens(line)]
        assert table[range(scored.tokens), [*ids, 1]] == pytest.approx(scored.token_log_probs, abs=1e-4)
        assert [token.text for token in model.tokens(line)] == [text for text, _ in scored.per_token[:-1]]
        for token in model.tokens(line):
            assert line[token.start : token.end].strip() == token.text.strip()


def test_what_only_networks_have(lstm_folder: Path, ngram_folder: Path) -> None:
    words, net, trained = elman.load(ngram_folder), elman.load(lstm_folder), elman.load(lstm_folder, torch=True)
    for ask in (lambda: words.hidden("a"), words.embeddings, lambda: words.network):
        with pytest.raises(ModelError, match=r"^this model \(ngram\) has no .*; networks have them"):
            ask()
    for ask in (net.embeddings, lambda: net.network):
        with pytest.raises(ModelError, match="torch=True"):
            ask()
    table = trained.network.embedding.weight.detach().numpy()
    np.testing.assert_array_equal(trained.embeddings(), table[:-1])  # the last one is the start's
    np.testing.assert_allclose(net.hidden("Anna sees"), trained.hidden("Anna sees"), atol=0.1)
    assert net.hidden("").shape[0] == 0
