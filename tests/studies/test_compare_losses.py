"""Losses line by line and by bucket add up to what the one evaluation says, exactly."""

from pathlib import Path

import numpy as np
import pytest

import elman
from elman.data.frequency import count_types
from elman.decode.scoring import evaluate
from elman.progress import Progress
from elman.studies.compare_losses import FREQUENCIES, POSITIONS, measure
from elman.text.store import Text, TextWriter
from elman.text.tokenizer import EOS_ID


@pytest.fixture
def text(tmp_path: Path) -> Text:
    with TextWriter(tmp_path, "test") as writer:
        for document in range(6):
            for line in range(1 + 3 * document):
                writer.write(
                    ("Anna sees a zebra at night." if line % 2 else "Ben hears the quiet town."), starts=not line
                )
    return writer.text()


@pytest.mark.parametrize("kind", ["ngram_folder", "lstm_folder"])
def test_everything_adds_up(kind: str, text: Text, request: pytest.FixtureRequest) -> None:
    model = elman.load(request.getfixturevalue(kind), torch=True)
    counts = count_types(np.arange(model.lm.tokenizer.size).repeat(5), model.lm.tokenizer.size)
    found = measure(model.lm, model.speller, text, counts, progress=Progress())
    whole = evaluate(model.lm, model.speller, text, context="document")
    assert whole.oov > 0
    assert found.predicted.sum() == pytest.approx(whole.nats, rel=1e-12)
    assert found.lines.sum() == pytest.approx(whole.nats + whole.spelling_nats, rel=1e-12)
    assert len(found.lines) == whole.lines and found.tokens.sum() == whole.tokens
    for table in (found.by_position, found.by_frequency):
        assert table[:, 0].sum() == pytest.approx(found.lines.sum(), rel=1e-12)
        assert table[:, 1].sum() == whole.tokens
    by_name = dict(zip(FREQUENCIES, found.by_frequency[:, 1].tolist(), strict=True))
    # Every type was seen five times, but for line ends and unknown words.
    assert {name for name, tokens in by_name.items() if tokens} == {"unknown", "4–15", "line end"}
    assert by_name["unknown"] == whole.oov and by_name["line end"] == whole.lines
    assert dict(zip(POSITIONS, found.by_position[:, 1].tolist(), strict=True))["first"] == 6


def test_each_document_is_as_if_alone(lstm_folder: Path, text: Text) -> None:
    model = elman.load(lstm_folder, torch=True)
    counts = np.ones(model.lm.tokenizer.size, np.int64)
    found = measure(model.lm, model.speller, text, counts, progress=Progress())
    place = 0
    for document in text.documents():
        ids = [model.lm.tokenizer.encode(line).ids.tolist() + [EOS_ID] for line in document]
        state = model.lm.start()
        for line, nats in zip(ids, found.predicted[place : place + len(ids)], strict=True):
            cost = 0.0
            for token in line:
                cost -= float(model.lm.log_probs(state)[0, token])
                state = model.lm.advance(np.array([token]), state)
            assert nats == pytest.approx(cost, rel=1e-4)
        place += len(ids)
