import pytest

from elman.text.sentences import sentence_spans


@pytest.mark.parametrize(
    "sentences",
    [
        ["One.", "Two!", "Three?"],
        ["He said “Stop!”", "She stopped."],
        ["“Stop!” he said.", "(She did.)", "And so on."],
        ["Dr. Brown and J. R. Smith met at St. Mary's, e.g. at noon.", "It rained."],
        ["It cost $3.50 at www.a.org today.", "3 people came."],
        ["I am I.", "And you?"],
        ["Really?!", "Yes…", "No."],
        ["wait... what", ],
        ["Ein Satz.", "Über allem."],
        ["Hunde spielen z. B. im Garten.", "Es sind u. a. Katzen da, d. h. zwei."],
        ["Solve for x.", "Then take y."],
        ["वह घर गया।", "वह सो गया॥"],
        ["هل هذا كتاب؟", "نعم."],
    ],
)  # fmt: skip
def test_sentences_on_a_line(sentences: list[str]) -> None:
    text = "  " + " ".join(sentences) + " "
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


def test_lines() -> None:
    text = "A title\nThe first sentence goes on over the end of a line that is long,\nand ends.\n\nno capital\n\n\nLast"
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "A title", "The first sentence goes on over the end of a line that is long,\nand ends.", "no capital", "Last",
    ]  # fmt: skip


def test_nothing_is_lost() -> None:
    text = 'a. B c! D.. "E" f? \n\n . G (h.) I'
    spans = sentence_spans(text)
    assert "".join("".join(text[s:e] for s, e in spans).split()) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert sentence_spans(" \n ") == sentence_spans("") == []


def test_long_lines_are_split_in_linear_time() -> None:
    assert len(sentence_spans("A. " * 5_000)) == 1
    assert len(sentence_spans("Ab. " * 5_000)) == 5_000
