"""Versions of the rules: new vocabularies part words from what stands between, old ones stay."""

import json
import re
from typing import Any

import pytest

from elman.data.oov import unknown_tokens
from elman.errors import FolderError, UsageError
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES
from elman.text.word_types import ALWAYS_KNOWN

NEW = TokenizerConfig(min_count=1, rules=RULES)
LINES = ["He said: don't", 'say "it" (now)']


def test_a_folder_that_names_no_rules_keeps_the_old_ones() -> None:
    files = Tokenizer.fit(LINES, config=TokenizerConfig(min_count=1, lowercase=True)).to_files()
    settings = json.loads(files["tokenizer_config.json"])
    for name in ("rules", "locale", "compatibility", "apostrophe"):
        del settings["elman"][name]
    old = Tokenizer.from_files({**files, "tokenizer_config.json": json.dumps(settings).encode()})
    assert old.config.rules == 1 and old.words is None
    # As elman 0.1 did: a word after a quote is another type, and a sigma is the same everywhere.
    wanted = [*map(old.tokens.index, [' "', "it", '"']), 0, 0, 0]
    assert old.encode('"It" 3rd İ').ids.tolist() == wanted
    grown = old.grow(["ΑΣ x’y"])
    assert grown.config == old.config and grown.tokens[-2:] == [" x’y", " ασ"]


def test_a_new_vocabulary() -> None:
    fitted = Tokenizer.fit([*LINES, "It’s Ann’s"], config=NEW)
    assert fitted.tokens[2 : 2 + len(ALWAYS_KNOWN)] == list(ALWAYS_KNOWN)
    assert fitted.config.apostrophe == "’" and " don’t" in fitted.tokens
    assert fitted.config.apostrophe_share == 3 / 5
    again = Tokenizer.from_files(fitted.to_files())
    line = '"He\u00a0 said"\tdon\'t (now'
    assert again.decode(again.encode(line)) == line
    ids = again.encode(line).ids
    assert again.decode([*ids, EOS_ID, *ids]) == "{0}\n{0}".format(line.replace("'", "’"))
    assert again.encode(line).ids.tolist() == again.encode_lines([line])[0].tolist()
    assert fitted.hash == again.hash != Tokenizer.fit(LINES, config=NEW).hash


def test_unknown_words_are_spelled_as_types() -> None:
    fitted = Tokenizer.fit(LINES, config=NEW)
    line = "(x\u00ady) don’t"
    unknown = unknown_tokens(fitted, line, fitted.encode(line))
    assert [token.spelled for token in unknown] == ["<1\u00ad>", " xy"]
    writer = fitted.writer(line_start=False, after="say (")
    assert writer.write(fitted.tokens.index(" now")) == b"now"


@pytest.mark.parametrize("level", ["word", "char", "byte", "subword"])
def test_new_lower_case_at_every_level(level) -> None:
    options: dict[str, Any] = {} if level in ("byte", "subword") else {"min_count": 1}
    lines = ["ΔΡΟΜΟΣ İSTANBUL IŞIK δρομος istanbul ışık"]
    fitted = Tokenizer.fit(
        lines, config=TokenizerConfig(level=level, lowercase=True, locale="tr", rules=RULES, **options)
    )
    ids, spans, _ = fitted.encode("ΔΡΟΜΟΣ İSTANBUL IŞIK")
    assert fitted.decode(ids) == "δρομος istanbul ışık"
    assert ids.tolist() == fitted.encode("δρομος istanbul ışık").ids.tolist()
    assert spans[-1, 1] == 20


def test_models_of_rules_2_keep_their_markers() -> None:
    old = Tokenizer.fit(["don't <’>"], config=NEW.replace(rules=2))
    tokens = [*old.tokens, "<’>"]
    again = Tokenizer.from_files(Tokenizer(tokens, config=old.config).to_files())
    assert (
        again.config.apostrophe_share is None and b"apostrophe_share" not in again.to_files()["tokenizer_config.json"]
    )
    assert [tokens[token] for token in again.encode("don’t").ids] == ["<’>", " don't"]
    assert again.decode(again.encode("don’t").ids) == "don’t"


def test_settings_out_of_range() -> None:
    with pytest.raises(UsageError, match="rules is 4; it must be 1 to 3"):
        TokenizerConfig(rules=4)
    with pytest.raises(UsageError, match="vocab_size is 5; level 'word' needs 8 or more"):
        TokenizerConfig(vocab_size=5, rules=RULES)
    files = Tokenizer.fit(LINES, config=NEW).to_files()
    config = re.sub(rb'"apostrophe_share": [0-9.]+,', b"", files["tokenizer_config.json"])
    with pytest.raises(FolderError, match="apostrophe_share is missing; words under rules 3 need one"):
        Tokenizer.from_files({**files, "tokenizer_config.json": config})
    config = files["tokenizer_config.json"].replace(b'"rules": 3', b'"rules": 1')
    with pytest.raises(FolderError, match="not what elman writes"):
        Tokenizer.from_files({**files, "tokenizer_config.json": config})
