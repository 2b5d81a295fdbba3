"""A translator from pairs on disk to translations."""

import pytest
from tests.tasks.translate.conftest import NAMES, write_pairs

import elman
from elman.errors import UsageError


@pytest.mark.slow
def test_it_learns_what_words_mean_and_where_they_go(translator):
    texts = ["1 2 3", "4", "3 3 1", "2 4"]
    wanted = [" ".join(NAMES[each] for each in text.split()[::-1]) for text in texts]
    assert translator.predict(texts) == wanted
    assert translator.predict("1 2 3") == "drei zwei eins"


@pytest.mark.slow
def test_options_reach_the_decoder(translator):
    (found,) = translator.predictions(["1 2"], n_best=3, beam_size=4)
    assert len(found.texts) == len(set(found.texts)) == 3 and found.text == "zwei eins"
    assert found.probabilities[0] > found.probabilities[1] > 0
    (begun,) = translator.predictions(["1 2"], begin="drei")
    assert begun.text.startswith("drei")
    (termed,) = translator.predictions(["1 2"], glossary={"1": "vier", "7": "drei"})
    assert termed.text == "zwei vier"
    assert found.to_json()["translations"][0] == {"text": "zwei eins", "log_prob": found.log_probs[0]}


@pytest.mark.slow
def test_what_does_not_apply_is_refused_in_one_line(translator, tmp_path):
    source, target = write_pairs(tmp_path)
    with pytest.raises(UsageError, match="--source is given without --target"):
        elman.train(source=str(source), task="translate", out=tmp_path / "model")
    with pytest.raises(UsageError, match="does not apply to translate"):
        elman.train(
            source=str(source), target=str(target), task="translate", out=tmp_path / "more", start=translator.folder
        )
