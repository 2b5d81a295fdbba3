"""The out-of-vocabulary words of a line, spelled exactly as a speller has to spell them."""

from elman.text.tokenizer import UNK_ID, Tokenizer

# One token in pretokenized text only; elsewhere its letters and brackets are tokens of their own.
_WRITTEN_UNK = " <unk>"


def oov_strings(tokenizer: Tokenizer, line: str) -> list[str]:
    """What stands in a normalised line where the tokenizer has no type, in order.

    Each string is all that its token stands for, the leading space included (a line's first token has one too,
    at the levels where every token has), so that spelling it loses nothing. A literal ``<unk>`` in pretokenized
    text is an ordinary type and not among them.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> oov_strings(tokenizer, "A cat sat, the")
    [' A', ',']
    """
    config = tokenizer.config
    ids, spans = tokenizer.encode(line)
    found = []
    for place in (ids == UNK_ID).nonzero()[0].tolist():
        start, end = spans[place].tolist()
        string = line[start:end]
        if config.pretokenized:
            string = " " + string.strip(" ")
        elif tokenizer.leading_space and place == 0:
            string = " " + string
        if config.lowercase:
            string = string.lower()
        if string != _WRITTEN_UNK:
            found.append(string)
    return found
