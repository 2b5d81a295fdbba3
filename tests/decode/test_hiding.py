"""Words that must not appear, in offered words, in phrases and in what is written, at every
level."""

import os

import numpy as np
import pytest

from elman.decode.blocklist import Blocklist, block_entries, builtin_entries, read_entries
from elman.decode.completion import complete
from elman.decode.masking import Mask
from elman.decode.offers import offers_from
from elman.decode.phrases import complete_phrase
from elman.decode.sampling import generate, make_sampler
from elman.decode.words import runs
from elman.errors import UsageError
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.text.casing import fold
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = [
    "a mule can't mule, the mules can’t",
    "Mule and muleteer: a muleteer is no mule.",
    "call 555 0199 or 90210, says ada@example.org",
    "the hot dog is hot; a dog isn’t a hot dog",
    "der Esel heißt Weiß, weißer als weiß",
] * 3
LEVELS = ["word", "subword", "char", "byte"]
BLOCK = ["MULE", "hot dog", "weiß*", "/^can.t$/"]


@pytest.fixture(scope="module", params=LEVELS)
def model(request):
    settings = {} if request.param == "byte" else {"min_count": 1}
    tokenizer = Tokenizer.fit(LINES, config=TokenizerConfig(level=request.param, **settings))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in LINES])
    return fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=5))


def words_of(text):
    return [fold(text[start:end]) for start, end, run in runs(text) if run.is_word]


def is_clean(text):
    words = words_of(text)
    bad = {"mule", "can't"} & set(words) or [word for word in words if word.startswith("weiss")]
    return not bad and ("hot", "dog") not in set(zip(words, words[1:], strict=False))


def write(model, prompt="", *, count=8, size=40, mask=None, **settings):
    sampler = make_sampler(**settings)
    for seed in range(count):
        yield "".join(generate(model, prompt, sampler=sampler, max_tokens=size, seed=seed, mask=mask))


@pytest.mark.slow
def test_blocked_words_are_never_written(model):
    mask = Mask(model.tokenizer, offers_from(BLOCK))
    texts = list(write(model, mask=mask))
    assert all(map(is_clean, texts)), [text for text in texts if not is_clean(text)]
    assert not all(map(is_clean, write(model)))  # without the mask they are
    # What only begins like a blocked word is.
    assert any("muleteer" in words_of(text) for text in texts)
    # Wherever the text ends: after any number of tokens, by the likeliest way, or before a stop
    # string.
    for size in range(1, 16):
        assert all(map(is_clean, write(model, "a ", mask=mask, size=size, count=1)))
    assert is_clean(next(write(model, "the hot", mask=mask, temperature=0)).partition("\n")[0])
    sampler = make_sampler()
    for seed in range(5):
        cut = generate(model, "a ", sampler=sampler, max_tokens=30, seed=seed, mask=mask, stop=["teer", "s"])
        assert is_clean("a " + "".join(cut))


def test_a_word_that_was_given_is_no_concern(model):
    mask = Mask(model.tokenizer, offers_from(BLOCK))
    text = next(write(model, "the mule", mask=mask, count=1))
    assert not words_of("the mule" + text)[1].startswith("mulem") and is_clean(text)


@pytest.mark.slow
def test_blocked_words_are_never_offered(model):
    for prompt in ("", "a ", "the mul", "Mul", "can", "hot ", "the hot d", "heißt We"):
        words = [fold(word) for word, _ in complete(model, prompt, n=20, block=BLOCK).words]
        assert words and all(map(is_clean, words)), prompt
        assert "dog" not in words or not prompt.startswith("hot")
        phrases = complete_phrase(model, prompt, n=5, words=3, block=BLOCK)
        assert phrases, prompt
        context = "hot " if prompt.startswith("hot") else ""
        assert all(is_clean(context + text) for text, _ in phrases), (prompt, phrases)


@pytest.mark.slow
def test_private_texts_are_neither_offered_nor_written(model):
    mask = Mask(model.tokenizer, offers_from(secrets=False))
    for prompt in ("call 555", "says ada"):
        for text in write(model, prompt, mask=mask, count=10):
            assert "90210" not in text and "ada@" not in prompt + text and "555 0199" not in prompt + text
    assert any("@example" in text for text in write(model, "says ada", count=20))
    for prompt, secret in (("call 555 ", "0199"), ("or ", "90210"), ("or 9", "90210"), ("ada@ex", "example")):
        words = [word for word, _ in complete(model, prompt, n=20, secrets=False).words]
        assert words and secret not in words, (prompt, words)
    # After the sign, only a new word with a space before it.
    with_space, without = (complete(model, "says ada@", n=1, secrets=secrets).words[0] for secrets in (False, True))
    assert without[0] == "example" != with_space[0]
    assert "0199" in [word for word, _ in complete(model, "call 555 ", n=20).words]


def test_entries_of_a_list(tmp_path):
    assert not Blocklist([]) and not Blocklist([]).hides("dog")
    found = Blocklist(["Dogs", "*cat*", "new-york"])
    hidden = ["dogs", "DOGS", "dogs’", "dogs's", "bobcats", "Cat"]
    assert [word for word in hidden if not found.hides(word)] == ["dogs’"]
    assert not found.hides("dog") and not found.hides("york")
    assert found.hides("York", before="in New ") and found.hides("york", before="new-")
    assert not found.hides("york", before="new old ")
    for wrong in ("*", " ", "", "/(/"):
        with pytest.raises(UsageError):
            Blocklist([wrong])
    with pytest.raises(UsageError, match="regular expression"):
        Blocklist(["/a+/"], expressions=False)
    (tmp_path / "list").write_text("# birds\nowl\n\n  emu* \n", encoding="utf-8")
    assert block_entries([str(tmp_path / "list"), "yak"]) == ["owl", "emu*", "yak"]


@pytest.mark.parametrize("name", ["words.txt", "lists/bad.LST", "./words", "~/words", "/etc/words", "/^d[o0]g"])
def test_a_list_that_is_not_there_is_no_word(name):
    with pytest.raises(UsageError, match="there is no such file"):
        block_entries(["mule", name])


def test_what_only_resembles_a_file_is_a_word():
    words = ["and/or", "e.g.", "/^txt/", "/a.txt/", "www.x.de", "mule*", "...", "x" * 5000]
    assert block_entries(words) == words


def test_a_list_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "latin.txt").write_bytes("mulet\nâne".encode("latin-1"))
    for file, said in (
        (tmp_path / "latin.txt", "byte 6 is not UTF-8"),
        (tmp_path / "none", "No such file or directory"),
    ):
        with pytest.raises(UsageError, match=rf": cannot be read \({said}\); give"):
            read_entries(str(file))


def test_a_list_that_is_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (lambda name: block_entries([name]), read_entries):
        with pytest.raises(UsageError, match="is a pipe, a socket or a device; give a plain file"):
            read(str(tmp_path / "pipe"))


def test_the_builtin_list_leaves_innocent_words_alone():
    found = Blocklist(["builtin"])
    innocent = "assess class cockpit scunthorpe spice shiitake titan analysis therapist hello dickens night pissarro"
    assert [word for word in innocent.split() if found.hides(word)] == []
    assert found.hides("Fucking") and found.hides("BULLSHIT") and found.hides("whore’s")
    assert len(builtin_entries()) == len(set(builtin_entries())) > 50
