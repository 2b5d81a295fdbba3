"""Every page: its width, its commands, its numbers."""

import re
import shlex

import numpy as np
import pytest

from elman.errors import UsageError
from elman.explain.page import page, topic_named, topics
from elman.explain.topic import Topic

PAGES = pytest.mark.parametrize("topic", topics().values(), ids=lambda topic: topic.name)


@PAGES
def test_it_fits_a_terminal(topic: Topic) -> None:
    lines = page(topic).splitlines()
    assert max(map(len, lines)) <= 79
    assert len(lines) <= 66
    assert topic.papers and topic.see


@PAGES
def test_its_commands_are_there(topic: Topic) -> None:
    """Each verb, flag and value that a page names is one that the command line takes."""
    import typer.main

    from elman.cli.main import VERBS, app
    from elman.models.registry import trainable

    group = typer.main.get_command(app)
    words = [*topic.commands, *re.findall(r"elman (?:train|xray|evaluate|explain) [^\n)]+", topic.shows)]
    for command in words:
        verb, *rest = shlex.split(command.removeprefix("elman "))
        assert verb in VERBS
        found = group.get_command(None, verb)  # type: ignore[attr-defined]
        flags = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= flags, command
        if verb == "explain":
            topic_named(rest[0])
        if "--model" in rest:
            assert rest[rest.index("--model") + 1] in trainable()


def test_a_kind_that_can_be_trained_says_so() -> None:
    """Any model of the registry has a page, and its page the command that trains it."""
    from elman.models.registry import trainable

    for kind in set(trainable()):
        assert any(f"--model {kind} " in command for command in topic_named(kind).commands), kind


def test_near_names() -> None:
    assert topic_named("LSTM").name == "lstm"
    assert topic_named("feedforward").name == "feed-forward"
    with pytest.raises(UsageError, match="no topic 'lsmt'; did you mean lstm"):
        topic_named("lsmt")
    with pytest.raises(UsageError, match="no topic 'gradients'; did you mean vanishing"):
        topic_named("gradients")
    with pytest.raises(UsageError, match="no topic 'xyz'; topics: lstm"):
        topic_named("xyz")


def test_worked_numbers() -> None:
    """The figures of the pages' examples, computed again."""
    from elman.models.ngram.kneser_ney import closed_form_discounts

    counts = np.repeat([1, 2, 3, 4], [80, 20, 9, 5])
    discounts = closed_form_discounts(counts)
    assert discounts is not None
    shown = re.search(r"d1 = (0\S+), d2 = (1\S+),\s+d3 = (1\S+)", page(topics()["kneser-ney"]))
    assert shown is not None
    np.testing.assert_allclose(discounts, [float(each) for each in shown.groups()], atol=6e-4)
    scores = np.exp([2.0, 1.0, 0.0])
    assert "p =  " + "  ".join(f"{each:.3f}" for each in scores / scores.sum()) in page(topics()["softmax"])
    assert f"2^(9/4) = {2 ** (9 / 4):.2f}" in page(topics()["perplexity"])
    rows = re.findall(r"^ +(0\.9|0\.99|1\.1) +(\S+) +(\S+) +(\S+)$", page(topics()["vanishing"]), re.M)
    assert len(rows) == 3
    for factor, *shares in rows:
        assert [f"{float(factor) ** k:.2g}" for k in (10, 50)] == [f"{float(each):.2g}" for each in shares[:2]]
        np.testing.assert_allclose(float(factor) ** 100, float(shares[2]), rtol=0.02)
    text = page(topics()["ngram"])
    words = re.findall(r"^  text +(.*)", text, re.MULTILINE)[0].split()
    pairs = list(zip(words, words[1:], strict=False))
    for word, context in re.findall(r"p\((\w\w+) \| (\w+)\)", text):
        assert f"p({word} | {context}) = {pairs.count((context, word))}/{words.count(context)}" in text
