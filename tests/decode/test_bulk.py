"""Many lines at once against one by one."""

import numpy as np
import pytest

from elman.decode import bulk
from elman.decode.bulk import score_texts
from elman.decode.scoring import score_lines
from elman.errors import UsageError
from elman.models.combine import Mixture
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.models.temperature import Tempered
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = ["the cat sat", "", "the dog sat on the cat", "a <unk> é", "Cafe\u0301 cat ", "cat", ""]


def models():
    for config in ({"pretokenized": True}, {"min_count": 1}, {"level": "char"}):
        words = Tokenizer.fit(["the cat sat on a mat", "a cat", "the mat"], config=TokenizerConfig(**config))
        ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in ["the cat sat on a mat", "the mat"] * 3])
        ngram = fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=3))
        yield ngram
        yield Mixture([ngram, Tempered(ngram, temperature=2.0)])


@pytest.mark.parametrize(
    "model", list(models()), ids=lambda model: f"{model.describe()['name']}-{model.tokenizer.config.level}"
)
@pytest.mark.parametrize("piece", [1, 2, 4096])
@pytest.mark.parametrize("forgets", [True, False])
def test_the_same_figures_as_line_by_line(model, piece, forgets, monkeypatch):
    monkeypatch.setattr(bulk, "_PIECE", piece)
    monkeypatch.setattr(model, "forgets_lines", forgets)
    speller = Speller.fit({" dog": 2, "x": 1})
    wanted = list(score_lines(model, speller, LINES))
    found = score_texts(model, speller, LINES)
    assert found.oov == sum(line.oov for line in wanted) > 0
    assert found.tokens == sum(line.tokens for line in wanted)
    assert np.diff(found.ends, prepend=0).tolist() == [line.tokens for line in wanted]
    np.testing.assert_allclose(found.log_probs, [line.log_prob for line in wanted], rtol=1e-6)
    np.testing.assert_allclose(
        found.token_log_probs, np.concatenate([line.token_log_probs for line in wanted]), rtol=1e-6
    )


def test_nothing_and_line_ends(fitted_words):
    model, speller = fitted_words
    assert score_texts(model, speller, []).log_probs.shape == (0,)
    assert score_texts(model, speller, [""]).tokens == 1
    for wrong in ("abc", 3, None, [None], ["x", 3]):
        with pytest.raises(UsageError, match="score_texts takes"):
            score_texts(model, speller, wrong)
    for line in ("a\nb", "a\rb"):
        with pytest.raises(UsageError, match="has a line end inside"):
            score_texts(model, speller, ["x", line])


@pytest.fixture
def fitted_words():
    return next(models()), Speller.fit({})
