import math

import numpy as np
import pytest

from elman.decode.beam import beam_search, beam_searches
from elman.errors import UsageError
from elman.models.protocol import State
from elman.text.tokenizer import EOS_ID


def every_continuation(model, state, max_tokens, banned=()):
    """All token sequences that end with </s> or are cut, with their log-probabilities, by plain
    recursion.
    """
    found = {}

    def go_on(ids, log_prob, state):
        if ids and (ids[-1] == EOS_ID or len(ids) == max_tokens):
            found[ids] = log_prob
            return
        log_probs = model.log_probs(state)[0].astype(float)
        for token in range(model.tokenizer.size):
            if token not in banned:
                go_on((*ids, token), log_prob + log_probs[token], model.advance(np.array([token]), state))

    go_on((), 0.0, state)
    return found


@pytest.mark.parametrize("batchable", [True, False])
@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_wide_beam_is_exhaustive_search(make_net, make_tokenizer, seed, length_penalty, batchable):
    model = make_net(make_tokenizer("char", "abc"), seed=seed, batchable=batchable)
    state = model.advance(np.array([3]), model.start())
    everything = every_continuation(model, state, 4)
    assert sum(map(math.exp, everything.values())) == pytest.approx(1, abs=1e-5)
    best = sorted(everything.items(), key=lambda item: -item[1] / len(item[0]) ** length_penalty)[:20]
    found = beam_search(model, state, beam_size=5**4, max_tokens=4, n_best=20, length_penalty=length_penalty)
    assert [hypothesis.ids for hypothesis in found] == [ids for ids, _ in best]
    for hypothesis, (ids, log_prob) in zip(found, best, strict=True):
        assert hypothesis.log_prob == pytest.approx(log_prob, abs=1e-6)
        assert hypothesis.score == pytest.approx(log_prob / len(ids) ** length_penalty, abs=1e-6)
        assert hypothesis.finished == (ids[-1] == EOS_ID)


def test_banned_tokens_are_never_taken(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "abc"))
    everything = every_continuation(model, model.start(), 3, banned=(0, 2))
    found = beam_search(model, model.start(), beam_size=200, max_tokens=3, n_best=999, banned=(0, 2))
    assert [hypothesis.ids for hypothesis in found] == sorted(everything, key=lambda ids: -everything[ids])


def test_only_allowed_tokens_are_taken(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "abc"))

    def first_is_b(ids):
        return None if ids else np.array([3])

    found = beam_search(model, model.start(), beam_size=200, max_tokens=3, n_best=999, allowed=first_is_b)
    everything = every_continuation(model, model.start(), 3)
    expected = {ids: log_prob for ids, log_prob in everything.items() if ids[0] == 3}
    assert [hypothesis.ids for hypothesis in found] == sorted(expected, key=lambda ids: -expected[ids])


# Greedy takes " the" (1/2) and can reach 1/2 * 1/2 * 1/2 at best; " The" " dog" "</s>" is 1/4 * 3/4
# * 3/4 = 9/64.
def test_a_beam_finds_what_greedy_misses(word_model):
    pieces = word_model.tokenizer.pieces
    greedy = beam_search(word_model, word_model.start(), beam_size=1, max_tokens=5)
    assert [pieces[token] for token in greedy[0].ids] == [b" the", b" cat", b" sat", b"\n"]
    assert math.exp(greedy[0].log_prob) == pytest.approx(1 / 16)
    wider = beam_search(word_model, word_model.start(), beam_size=3, max_tokens=5)
    assert [pieces[token] for token in wider[0].ids] == [b" The", b" dog", b"\n"]
    assert math.exp(wider[0].log_prob) == pytest.approx(9 / 64)


def test_what_finishes_takes_no_place_in_the_beam(word_model):
    state = word_model.advance(np.array([word_model.tokenizer.pieces.index(b" dog")]), word_model.start())
    found = beam_search(word_model, state, beam_size=1, max_tokens=3, n_best=2)
    assert [(one.ids[0], one.finished) for one in found] == [(EOS_ID, True), (found[1].ids[0], True)]
    assert [math.exp(one.log_prob) for one in found] == pytest.approx([12 / 16, 2 / 16 * 8 / 16])


def test_finished_is_what_the_caller_says(word_model):
    found = beam_search(
        word_model, word_model.start(), beam_size=50, max_tokens=9, n_best=3, is_finished=lambda ids: len(ids) == 2
    )
    pieces = word_model.tokenizer.pieces
    assert [(b"".join(pieces[token] for token in one.ids), math.exp(one.log_prob)) for one in found] == [
        (b" the cat", pytest.approx(1 / 4)),
        (b" The dog", pytest.approx(3 / 16)),
        (b" the dog", pytest.approx(1 / 8)),
    ]


def test_equal_texts_with_equal_states_are_merged_and_the_better_kept(make_table, make_tokenizer):
    tokenizer = make_tokenizer("subword", "ababa", "ba", "ab", vocab_size=262, min_count=1)
    assert {b"ab", b"ba"} <= set(tokenizer.pieces)
    ab, a, b = (tokenizer.pieces.index(piece) for piece in (b"ab", b"a", b"b"))
    # "abab" is ab a b (0.6 * 1 * 0.3) or a ba b (0.4 * 0.7 * 1); both leave the model after b.
    model = make_table(
        tokenizer,
        {
            None: {"ab": 0.6, "a": 0.4},
            "ab": {"a": 1.0},
            "a": {"b": 0.3, "ba": 0.7},
            "ba": {"b": 1.0},
            "b": {"c": 0.8, "d": 0.2},
            "c": {"</s>": 1.0},
            "d": {"</s>": 1.0},
        },
    )
    found = beam_search(
        model,
        model.start(),
        beam_size=2,
        max_tokens=5,
        n_best=4,
        allowed=lambda ids: np.array([b]) if ids == (ab, a) else None,
    )
    texts = [b"".join(tokenizer.pieces[token] for token in one.ids) for one in found]
    # Unmerged, both places of the beam would go to "ababc" and "ababd" would be lost.
    assert texts == [b"ababc\n", b"ababd\n"]
    assert [math.exp(one.log_prob) for one in found] == pytest.approx([0.4 * 0.7 * 0.8, 0.4 * 0.7 * 0.2])


def test_equal_texts_with_different_states_are_not_merged_while_they_live(make_net, make_tokenizer):
    tokenizer = make_tokenizer("subword", "ababa", "ba", "ab", vocab_size=262, min_count=1)
    model = make_net(tokenizer, seed=4)
    ids = [1, *(tokenizer.pieces.index(piece) for piece in (b"a", b"b", b"ab", b"ba"))]
    banned = set(range(tokenizer.size)) - set(ids)
    everything = every_continuation(model, model.start(), 4, banned=banned)
    best: dict[bytes, float] = {}
    for sequence, log_prob in everything.items():
        text = b"".join(tokenizer.pieces[token] for token in sequence)
        best[text] = max(best.get(text, -math.inf), log_prob)
    found = beam_search(model, model.start(), beam_size=700, max_tokens=4, n_best=999, banned=banned)
    assert len(best) < len(everything)
    assert [one.log_prob for one in found] == pytest.approx(sorted(best.values(), reverse=True), abs=1e-6)


def test_nothing_possible_gives_nothing(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "abc"))
    assert beam_search(model, model.start(), beam_size=3, max_tokens=3, banned=range(5)) == []


@pytest.mark.parametrize("name", ["beam_size", "max_tokens", "n_best"])
def test_sizes_below_one_are_refused(word_model, name):
    sizes = {"beam_size": 2, "max_tokens": 2, "n_best": 2, name: 0}
    with pytest.raises(UsageError, match=name):
        beam_search(word_model, word_model.start(), **sizes)
    with pytest.raises(UsageError, match="length_penalty"):
        beam_search(word_model, word_model.start(), beam_size=1, max_tokens=1, length_penalty=-1)


def test_searches_side_by_side_are_each_alone(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "abc"))
    starts = [model.start(), *(model.advance(np.array([token]), model.start()) for token in (2, 4))]
    together = beam_searches(model, State.stack(starts), beam_size=3, max_tokens=[2, 5, 1], n_best=3)
    for state, most, found in zip(starts, (2, 5, 1), together, strict=True):
        assert found == beam_search(model, state, beam_size=3, max_tokens=most, n_best=3)


@pytest.mark.parametrize(
    ("settings", "keeps"),
    [
        ({"min_tokens": 2}, lambda ids: EOS_ID not in ids[:2]),
        ({"no_repeat": 1}, lambda ids: len(set(ids)) == len(ids)),
        ({"no_repeat": 2}, lambda ids: len(set(zip(ids, ids[1:], strict=False))) == len(ids) - 1),
    ],
)
def test_what_is_ruled_out_is_never_taken(make_net, make_tokenizer, settings, keeps):
    model = make_net(make_tokenizer("char", "abc"))
    found = beam_searches(model, model.start(), beam_size=700, max_tokens=[4], n_best=999, **settings)[0]
    everything = every_continuation(model, model.start(), 4)
    kept = [ids for ids in everything if keeps(ids)]
    assert [one.ids for one in found] == sorted(kept, key=lambda ids: -everything[ids]) and 0 < len(kept) < 340


def test_a_penalty_counts_when_a_hypothesis_ends(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "abc"))
    name = next(iter(model.start().parts))

    def penalty(state):
        return -np.abs(state.parts[name].reshape(state.batch, -1)[:, 0])

    found = beam_searches(
        model, model.start(), beam_size=700, max_tokens=[3], n_best=999, penalty=penalty, length_penalty=0.5
    )[0]
    for one in found[:30]:
        state = model.start()
        for token in one.ids[:-1]:
            state = model.advance(np.array([token]), state)
        assert one.score == pytest.approx((one.log_prob + penalty(state)[0]) / len(one.ids) ** 0.5)
    assert len(found) == len(every_continuation(model, model.start(), 3))


def test_an_early_search_ends_with_its_beam_full(word_model):
    settings = {"beam_size": 2, "max_tokens": [9], "n_best": 9}
    late, soon = (beam_searches(word_model, word_model.start(), early=early, **settings)[0] for early in (False, True))
    assert 2 <= len(soon) < len(late) and {one.ids for one in soon} < {one.ids for one in late}
    (greedy,) = beam_searches(word_model, word_model.start(), early=True, beam_size=1, max_tokens=[9])[0]
    assert [word_model.tokenizer.pieces[token] for token in greedy.ids] == [b" the", b" cat", b" sat", b"\n"]
