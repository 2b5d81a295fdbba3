"""The figures of a tagger."""

from collections.abc import Sequence

from elman.data.tagged import TaggedSentence
from elman.metrics.span_schemes import spans
from elman.models.word_features import WordFeatures


def figures_of(
    sentences: Sequence[TaggedSentence],
    found: Sequence[Sequence[str]],
    *,
    scheme: str | None,
    vocabulary: WordFeatures,
) -> dict[str, float]:
    """Accuracy, and where tags mark spans their precision, recall and F1, as shares."""
    pairs = [
        (gold, tag)
        for each, tags in zip(sentences, found, strict=True)
        for gold, tag in zip(each.tags, tags, strict=True)
    ]
    words = [word for each in sentences for word in each.words]
    ids = vocabulary.ids(words)
    figures = {"words": len(pairs), "accuracy": sum(gold == tag for gold, tag in pairs) / max(len(pairs), 1)}
    unknown = [gold == tag for (gold, tag), number in zip(pairs, ids.tolist(), strict=True) if number == 0]
    figures["accuracy_unknown"] = sum(unknown) / max(len(unknown), 1)
    if scheme is not None:
        both = predicted = true = 0
        for each, tags in zip(sentences, found, strict=True):
            gold, own = set(spans(each.tags, scheme)), set(spans(tags, scheme))
            both, predicted, true = both + len(gold & own), predicted + len(own), true + len(gold)
        figures |= {
            "precision": both / max(predicted, 1),
            "recall": both / max(true, 1),
            "f1": 2 * both / max(predicted + true, 1),
        }
    return figures
