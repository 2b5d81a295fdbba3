"""ARPA files as models: KenLM agrees, nothing changes on the way there and back, at any level of
tokens.
"""

import gzip
import hashlib
import itertools
import json
import math

import numpy as np
import pytest

import elman
from elman.errors import FolderError, ModelError
from elman.models.ngram.arpa import arpa_words, load_arpa, save_arpa
from elman.models.ngram.query import NgramModel, fit_ngram
from elman.tasks.language.model import Model
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

SMALL = """\\data\\
ngram 1=6
ngram 2=5
ngram 3=3

\\1-grams:
-1.5 <unk> -0.125
-99 <s> -0.3
-0.5 </s>
-0.7 sun -0.2
-1 rain
-0.8 and 0.1

\\2-grams:
-0.2 <s> sun -0.5
-0.9 <s> rain -0.7
-0.3 sun and
-0.6 and rain
-1.25 <unk> and -1

\\3-grams:
-0.1 <s> sun and
-0.05 sun and rain
-0.2 sun and sun

\\end\\
"""
"""Hand-made: `<s> rain` has a backoff and nothing follows it; "sun and sun" is there, though "and
sun" is not."""


def line_scores(model: NgramModel, line: str) -> np.ndarray:
    ids = np.append(model.tokenizer.encode(line).ids, EOS_ID)
    return model.score(ids[None], np.array([len(ids)]), model.start())[0][0] / math.log(10)


@pytest.mark.slow
def test_kenlm_reads_what_elman_writes_and_agrees(tmp_path, text_file):
    kenlm = pytest.importorskip("kenlm")
    config = kenlm.Config()
    config.show_progress = False
    trained = elman.train(text_file, model="ngram", order=4, pretokenized=True)
    trained.export(tmp_path / "a.arpa.gz")
    (tmp_path / "a.arpa").write_bytes(gzip.decompress((tmp_path / "a.arpa.gz").read_bytes()))
    (tmp_path / "given.arpa").write_text(SMALL)
    elman.load(tmp_path / "given.arpa").export(tmp_path / "b.arpa")
    of_text = [
        "Anna sees a tall tree at night.",
        "Ben",
        "",
        "zyzzyva paints the quiet zyzzyva after lunch.",
        "at at at",
    ]
    of_plain = ["sun and rain", "sun and sun", "rain", "moon and rain", "", "rain and sun sun and"]
    for name, lines in (("a.arpa", of_text), ("b.arpa", of_plain)):
        other, loaded = kenlm.Model(str(tmp_path / name), config), load_arpa(tmp_path / name).model
        models = [loaded, trained.lm] if name == "a.arpa" else [loaded]
        for model, line in itertools.product(models, lines):
            wanted = [prob for prob, _, _ in other.full_scores(line)]
            np.testing.assert_allclose(line_scores(model, line), np.minimum(wanted, 0), atol=1e-4)


@pytest.mark.slow
def test_a_model_that_was_exported_and_loaded_mixes_with_itself(tmp_path, text_file):
    trained = elman.train(text_file, model="ngram", order=3, pretokenized=True)
    trained.export(tmp_path / "a.arpa")
    loaded = elman.load(tmp_path / "a.arpa")
    assert loaded.lm.tokenizer.tokens == trained.lm.tokenizer.tokens
    assert trained.lm.exact and not loaded.lm.exact
    assert elman.mix([trained, loaded], text_file).evaluate(text_file)["perplexity"] == pytest.approx(
        trained.evaluate(text_file)["perplexity"], rel=1e-4
    )
    loaded.export(tmp_path / "b.arpa")
    assert (tmp_path / "b.arpa").read_bytes() == (tmp_path / "a.arpa").read_bytes()


def test_an_arpa_file_saved_as_a_folder_is_the_same_model(tmp_path):
    (tmp_path / "a.arpa").write_text(SMALL)
    loaded = elman.load(tmp_path / "a.arpa")
    assert loaded.info()["bytes"] == len(SMALL)
    loaded.save(tmp_path / "folder")
    again = elman.load(tmp_path / "folder")
    assert again.lm.model_hash == loaded.lm.model_hash and again.card == loaded.card
    assert again.card["imported"] == {
        "file": "a.arpa",
        "sha256": hashlib.sha256(SMALL.encode()).hexdigest(),
        "notes": [],
    }
    assert again.speller.nats("sun") == loaded.speller.nats("sun") < loaded.speller.nats("nus")
    np.testing.assert_array_equal(line_scores(again.lm, "sun and moon"), line_scores(loaded.lm, "sun and moon"))


def test_tokens_that_know_their_spaces_are_written_visibly():
    raw = ["<unk>", "</s>", " the", "'s", " \u2581", "\\", "\t\u00a0", "\u3042"]
    wanted = ["<unk>", "</s>", "\u2581the", "'s", "\u2581\\\u2581", "\\\\", "\\u{9}\\u{a0}", "\u3042"]
    assert arpa_words(Tokenizer(raw, config=TokenizerConfig())) == wanted
    subwords = Tokenizer.fit(["the cat"], config=TokenizerConfig(level="subword"))
    assert arpa_words(subwords) == subwords.tokens
    pretokenized = Tokenizer(["<unk>", "</s>", " a\\b", " \u2581"], config=TokenizerConfig(pretokenized=True))
    assert arpa_words(pretokenized) == ["<unk>", "</s>", "a\\b", "\u2581"]


RAW = ["The cat's mat\tis here", "a \u2581 \\ mat ", "the mat \u3000 is  the cat", "caf\u00e9 \\u{9} (\u732b)"]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("rules", [1, 2])
@pytest.mark.parametrize("level", ["word", "char", "subword", "byte"])
def test_a_model_of_any_level_comes_back(tmp_path, level, lowercase, rules):
    settings = {} if level == "byte" else {"min_count": 1}
    tokenizer = Tokenizer.fit(RAW, config=TokenizerConfig(level=level, lowercase=lowercase, rules=rules, **settings))
    lines = RAW * 3
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    trained = Model(fit_ngram(ids, np.array([0, len(ids)]), tokenizer), Speller.fit({}))
    trained.export(tmp_path / "a.arpa")
    loaded = elman.load(tmp_path / "a.arpa")
    assert loaded.lm.tokenizer.hash == tokenizer.hash
    for line in [*RAW, "the value of THE mat's cat", "zorgl", ""]:
        one, other = trained.score(line, spelling=False), loaded.score(line, spelling=False)
        assert [text for text, _ in one.per_token] == [text for text, _ in other.per_token]
        np.testing.assert_allclose(one.token_log_probs, other.token_log_probs, atol=1e-5)
    # What it does not hold is said, and only then.
    notes = loaded.card["imported"]["notes"]
    assert len(notes) == (level in ("word", "char")) and all("unknown words are spelled" in note for note in notes)
    loaded.export(tmp_path / "b.arpa")
    assert (tmp_path / "b.arpa").read_bytes() == (tmp_path / "a.arpa").read_bytes()


def test_kenlm_reads_a_file_with_settings(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    config = kenlm.Config()
    config.show_progress = False
    tokenizer = Tokenizer.fit(RAW, config=TokenizerConfig(min_count=1))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in RAW])
    model = fit_ngram(ids, np.array([0, len(ids)]), tokenizer)
    save_arpa(model, tmp_path / "a.arpa")
    other = kenlm.Model(str(tmp_path / "a.arpa"), config)
    wanted = [prob for prob, _, _ in other.full_scores("\u2581The \u2581cat's \u2581zorgl")]
    np.testing.assert_allclose(line_scores(model, "The cat's zorgl"), wanted, atol=1e-4)


def test_marked_words_without_settings_are_noticed(tmp_path):
    """Pieces of another tool's words stay the words of the file."""
    (tmp_path / "a.arpa").write_text(SMALL.replace("sun", "\u2581sun"))
    loaded = elman.load(tmp_path / "a.arpa")
    assert loaded.score("\u2581sun and").oov == 0 and loaded.score("sun and").oov == 1
    (note,) = loaded.card["imported"]["notes"]
    assert note.startswith("1 word begins with \u2581")


def test_a_word_that_ends_in_a_no_break_space_is_known_at_a_lines_end(tmp_path, cli):
    (tmp_path / "a.arpa").write_text(SMALL.replace("sun", "sun\u00a0"))
    (tmp_path / "lines.txt").write_text("and sun\u00a0\nand sun\n")
    loaded = elman.load(tmp_path / "a.arpa")
    wanted = [loaded.score(line) for line in ("and sun\u00a0", "and sun")]
    assert [each.oov for each in wanted] == [0, 1]
    assert loaded.score_texts(["and sun\u00a0", "and sun"]).oov == 1
    shown = cli("score", tmp_path / "a.arpa", tmp_path / "lines.txt", "--json").out.splitlines()
    assert [json.loads(line)["oov"] for line in shown] == [0, 1]
    assert loaded.evaluate(tmp_path / "lines.txt")["oov"] == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [("{", "damaged"), ("[1]", "damaged"), ('{"level": "wrd"}', "level"), ('{"level": "char"}', "not one character")],
)
def test_settings_that_cannot_be_are_refused(tmp_path, settings, message):
    (tmp_path / "a.arpa").write_text(f"# elman tokenizer: {settings}\n{SMALL}")
    with pytest.raises(FolderError, match=message) as raised:
        elman.load(tmp_path / "a.arpa")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("word", ["<s>", "<UNK>", "a\tb", "a\x07"])
def test_words_that_no_arpa_file_can_hold(tmp_path, word):
    tokenizer = Tokenizer(["<unk>", "</s>", f" {word}"], config=TokenizerConfig(pretokenized=True))
    model = fit_ngram(np.array([2, 1]), np.array([0, 2]), tokenizer)
    with pytest.raises(ModelError, match=r"the word .* of this model (means|holds)"):
        save_arpa(model, tmp_path / "a.arpa")
    assert not (tmp_path / "a.arpa").exists()
