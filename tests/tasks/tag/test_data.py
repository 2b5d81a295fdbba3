"""What a tagger is trained on: parts, tags, schemes, batches, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.tagged import TaggedSentence
from elman.errors import ElmanError, TextError, UsageError
from elman.progress import Progress
from elman.tasks.tag.data import TaggedData, fit_tags, hold_out, read_data, transitions_of, unknown_tags
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.tasks.tag.sentences import UNKNOWN, encode_sentences


def sentence(text: str) -> TaggedSentence:
    """``word/tag word/tag``."""
    pairs = [each.rsplit("/", 1) for each in text.split()]
    return TaggedSentence(words=tuple(word for word, _ in pairs), tags=tuple(tag for _, tag in pairs))


def test_tags_are_fitted_on_training_alone_and_others_count_as_errors() -> None:
    train = [sentence("a/X b/Y"), sentence("c/X")]
    tags = fit_tags(train)
    assert tags.names == ("X", "Y") and tags.counts == (2, 1)
    other = [sentence("a/Z b/X d/Z")]
    assert unknown_tags(other, tags, "test") == [
        "tags of the test part that training does not have, counted as errors: 'Z' (2)"
    ]
    from elman.data.vocabulary import Vocabulary
    from elman.models.tagger_config import TaggerConfig
    from elman.models.word_features import WordFeatures

    encoded = encode_sentences(other, features=WordFeatures(Vocabulary(["a"], [1]), TaggerConfig()), tags=tags)
    assert encoded.tags[0].tolist() == [UNKNOWN, 0, UNKNOWN]
    with pytest.raises(UsageError, match="every word has the tag 'X'"):
        fit_tags([sentence("a/X b/X")])


def test_batches_hold_the_words_and_n_grams_of_their_sentences() -> None:
    from elman.models.tagger_config import TaggerConfig
    from elman.models.word_features import WordFeatures, fit_vocabulary

    part = [sentence("one/X two/Y one/X"), TaggedSentence(words=()), sentence("three/Y")]
    features = WordFeatures(fit_vocabulary(["one", "three"], min_count=1), TaggerConfig())
    encoded = encode_sentences(part, features=features, tags=fit_tags(part))
    for rows in ([2, 0], [1], [0, 1, 2]):
        data = encoded.batch(np.array(rows))
        for place, row in enumerate(rows):
            words = part[row].words
            assert data.lengths[place] == len(words)
            for at, word in enumerate(words):
                number = data.words[place, at]
                _, expected = features.pieces([word])
                assert data.buckets[data.starts[number] : data.starts[number + 1]].tolist() == expected.tolist()
                assert data.ids[place, at] == features.ids([word])[0]
                assert data.tags[place, at] == ("X", "Y").index(part[row].tags[at])


def test_the_held_out_part_does_not_depend_on_the_order_and_equal_sentences_stay_together() -> None:
    every = [sentence(f"w{n % 40}/X v{n % 3}/Y") for n in range(120)]
    train, valid = hold_out(every)
    assert 0 < len(valid) < 40 and not {each.words for each in train} & {each.words for each in valid}
    _, again = hold_out(every[::-1])
    assert {each.words for each in again} == {each.words for each in valid}
    with pytest.raises(TextError, match="too few"):
        hold_out(every[:5])


def test_broken_sequences_are_repaired_and_named_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("".join(f"w{n}\tO\nb\tI-x\nc\tI-x\n\n" if n == 7 else f"w{n}\tB-x\n\n" for n in range(60)))

    def read(**settings: Any) -> TaggedData:
        config = TagDataConfig(format="columns", **settings)
        return read_data(TagRequest(kind="tagger", sources=(str(path),), data=config), progress=Progress())

    data = read()
    note = data.notes[0]
    assert data.scheme == "BIO" and note.startswith("training part: 1 tag breaks the rules of BIO")
    assert "line 16: I-x after O" in note and ("O", "B-x", "I-x") in {each.tags for each in data.train}
    with pytest.raises(TextError, match="line 16: I-x after O, which breaks the rules of BIO"):
        read(strict=True)


def test_what_may_follow_is_that_of_the_scheme() -> None:
    tags = fit_tags([sentence("a/B-x b/I-x c/O d/B-y")])
    found = transitions_of(tags, "BIO")
    assert found is not None and tags.names == ("B-x", "B-y", "I-x", "O")
    assert found[:, 2].tolist() == [True, False, True, False, False]
    assert transitions_of(tags, None) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crf": True, "class_weights": "balanced"}, "--class-weights weighs words one by one"),
        ({"model": "ngram"}, "for tag it must be a cell"),
        ({"smallest": 4, "largest": 3}, "n-grams have 4 to 3 characters"),
        ({"start": "somewhere"}, "somewhere does not exist"),
        ({"min_count": 0}, "min_count is 0"),
    ],
)
def test_requests_that_make_no_sense_are_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "data.conll").write_text("".join(f"the\tO\nbus{number}\tB-left\n\n" for number in range(50)))
    with pytest.raises(ElmanError, match=message):
        elman.train(
            tmp_path / "data.conll", task="tag", **{"model": "lstm", "format": "columns", "updates": 1, **settings}
        )


def test_a_file_without_sentences_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.conll").write_text("\n\n")
    request = TagRequest(kind="tagger", sources=(str(tmp_path / "empty.conll"),), data=TagDataConfig(format="columns"))
    with pytest.raises(TextError, match=r"empty\.conll"):
        read_data(request, progress=Progress())
