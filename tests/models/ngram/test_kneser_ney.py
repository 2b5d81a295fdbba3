"""Two tiny texts worked by hand to the last fraction, with closed-form and with fixed discounts."""

from fractions import Fraction

import numpy as np
import pytest

from elman.models.ngram.kneser_ney import closed_form_discounts

# Lines "a a c", "a c", "b", "a a"; order 2; V = 5 types: <unk> </s> a b c.
#
# Bigrams occur:     <s> a: 3   <s> b: 1   a a: 2   a c: 2   a </s>: 1   b </s>: 1   c </s>: 2
#   t1 t2 t3 t4 = 3 3 1 0    Y = 3/(3+6) = 1/3    D1 = 1 - 2/3 = 1/3    D2 = 2 - 3/3/3 = 5/3    D3 = 3
# Left neighbours:   a: <s> a   b: <s>   c: a   </s>: a b c, so 2 1 1 3, their sum 7
#   t1 t2 t3 t4 = 2 1 1 0    Y = 2/(2+2) = 1/2    D1 = 1 - 2/2/2 = 1/2    D2 = 2 - 3/2 = 1/2    D3 = 3
#
# g()    = (2 D1 + D2 + D3) / 7 = (1 + 1/2 + 3) / 7 = 9/14, over 5 types: 9/70 each
#   p(<unk>) = 9/70   p(</s>) = 0 + 9/70   p(a) = (3/2)/7 + 9/70 = 24/70   p(b) = p(c) = (1/2)/7 + 9/70 = 14/70
# g(a)   = (5/3 + 5/3 + 1/3) / 5 = 11/15
#   p(a|a) = (1/3)/5 + 11/15 24/70 = 334/1050   p(c|a) = (1/3)/5 + 11/15 14/70 = 224/1050
#   p(</s>|a) = (2/3)/5 + 11/15 9/70 = 239/1050   p(b|a) = 11/15 14/70   p(<unk>|a) = 11/15 9/70
# g(<s>) = (3 + 1/3) / 4 = 5/6
#   p(a|<s>) = 0 + 5/6 24/70 = 2/7   p(b|<s>) = (2/3)/4 + 5/6 14/70 = 1/3   p(c|<s>) = 1/6   others 3/28
# g(c)   = (5/3) / 2 = 5/6       p(</s>|c) = (1/3)/2 + 5/6 9/70 = 23/84
# g(b)   = (1/3) / 1 = 1/3       p(</s>|b) = 2/3 + 1/3 9/70 = 149/210
CLOSED = ["a a c", "a c", "b", "a a"]
CLOSED_BY_CONTEXT = {
    "": {"a": "2/7", "b": "1/3", "c": "1/6", "</s>": "3/28", "<unk>": "3/28"},
    "a": {"a": "167/525", "b": "11/75", "c": "16/75", "</s>": "239/1050", "<unk>": "33/350"},
    "b": {"a": "4/35", "b": "1/15", "c": "1/15", "</s>": "149/210", "<unk>": "3/70"},
    "c": {"a": "2/7", "b": "1/6", "c": "1/6", "</s>": "23/84", "<unk>": "3/28"},
    "<unk>": {"a": "24/70", "b": "1/5", "c": "1/5", "</s>": "9/70", "<unk>": "9/70"},
    "a c </s>": {"a": "2/7", "b": "1/3", "c": "1/6", "</s>": "3/28", "<unk>": "3/28"},
}

# Lines "a b" four times and "b a"; order 3; V = 4 types: <unk> </s> a b. No order has counts 1, 2
# and 3, so all discounts are 1/2, 1, 3/2.
#
# Trigrams occur:   <s> a b: 4   <s> b a: 1   a b </s>: 4   b a </s>: 1
# Bigrams:          <s> a: 4 and <s> b: 1 keep their occurrences; a b, b a, a </s>, b </s> have one left neighbour each
# Left neighbours:  a: <s> b   b: <s> a   </s>: a b, so 2 2 2
#
# g()     = 3/6 = 1/2           p(a) = p(b) = p(</s>) = 1/6 + 1/8 = 7/24     p(<unk>) = 1/8 = 3/24
# g(<s>)  = (3/2 + 1/2)/5 = 2/5
#   p(a|<s>) = (5/2)/5 + 2/5 7/24 = 37/60   p(b|<s>) = (1/2)/5 + 2/5 7/24 = 13/60   p(</s>|<s>) = 7/60   <unk> 3/60
# g(a)    = (1/2 + 1/2)/2 = 1/2     p(b|a) = p(</s>|a) = (1/2)/2 + 1/2 7/24 = 19/48    p(a|a) = 7/48   <unk> 3/48
# g(b)    = 1/2 likewise            p(a|b) = p(</s>|b) = 19/48    p(b|b) = 7/48
# g(<s> a) = (3/2)/4 = 3/8          p(b|<s> a) = (5/2)/4 + 3/8 19/48 = 99/128    p(</s>|<s> a) = 19/128    7/128   3/128
# g(<s> b) = (1/2)/1 = 1/2          p(a|<s> b) = 1/2 + 1/2 19/48 = 67/96         p(</s>|<s> b) = 19/96     7/96    3/96
# g(a b)  = 3/8                     p(</s>|a b) = 99/128    p(a|a b) = 19/128
# g(b a)  = 1/2                     p(</s>|b a) = 67/96     p(b|b a) = 19/96
FIXED = ["a b", "a b", "a b", "a b", "b a"]
FIXED_BY_CONTEXT = {
    "": {"a": "37/60", "b": "13/60", "</s>": "7/60", "<unk>": "3/60"},
    "a": {"b": "99/128", "</s>": "19/128", "a": "7/128", "<unk>": "3/128"},
    "b": {"a": "67/96", "</s>": "19/96", "b": "7/96", "<unk>": "3/96"},
    "a b": {"</s>": "99/128", "a": "19/128", "b": "7/128", "<unk>": "3/128"},
    "b a": {"</s>": "67/96", "b": "19/96", "a": "7/96", "<unk>": "3/96"},
    "b b": {"a": "19/48", "</s>": "19/48", "b": "7/48", "<unk>": "3/48"},
    "a <unk>": {"a": "7/24", "b": "7/24", "</s>": "7/24", "<unk>": "3/24"},
    "<unk> b": {"a": "19/48", "</s>": "19/48", "b": "7/48", "<unk>": "3/48"},
}


def predicted(model, history: str) -> dict[str, float]:
    """Every type's probability after the tokens of ``history``."""
    state = model.start()
    names = [token.strip() for token in model.tokenizer.tokens]
    for token in history.split():
        state = model.advance(np.array([names.index(token)]), state)
    return dict(zip(names, np.exp(model.log_probs(state)[0].astype(np.float64)), strict=True))


@pytest.mark.parametrize(("history", "expected"), CLOSED_BY_CONTEXT.items())
def test_probabilities_by_hand_with_closed_form_discounts(fit, history, expected):
    found = predicted(fit(CLOSED, order=2), history)
    assert found == pytest.approx({word: float(Fraction(value)) for word, value in expected.items()}, rel=1e-6)


@pytest.mark.parametrize(("history", "expected"), FIXED_BY_CONTEXT.items())
def test_probabilities_by_hand_with_fixed_discounts(fit, history, expected):
    found = predicted(fit(FIXED, order=3), history)
    assert found == pytest.approx({word: float(Fraction(value)) for word, value in expected.items()}, rel=1e-6)


def test_discounts_by_hand_and_the_note_when_they_are_fixed(fit):
    closed = fit(CLOSED, order=2)
    np.testing.assert_allclose(closed.tables.discounts, [[1 / 2, 1 / 2, 3], [1 / 3, 5 / 3, 3]], rtol=1e-12)
    assert closed.notes == []
    fixed = fit(FIXED, order=3)
    assert fixed.tables.discounts.tolist() == [[0.5, 1.0, 1.5]] * 3
    assert fixed.notes == [
        f"order {n}: too few n-grams occur once, twice or thrice to give discounts; fixed ones are used (0.5, 1, 1.5)"
        for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("counts_of_counts", "expected"),
    [
        # Y = 1000 / 1600 = 5/8
        ((1000, 300, 150, 90), (1 - 2 * 0.625 * 0.3, 2 - 3 * 0.625 * 0.5, 3 - 4 * 0.625 * 0.6)),
        ((2, 1, 1, 0), (0.5, 0.5, 3.0)),  # t4 = 0 leaves D3 = 3, which is allowed
        ((0, 1, 1, 1), None),
        ((1, 0, 1, 1), None),
        ((1, 1, 0, 1), None),
        ((4, 1, 2, 1), None),  # Y = 2/3 and D2 = 2 - 3 * 2/3 * 2 = -2
        ((1, 1, 2, 1), None),  # Y = 1/3 and D2 = 2 - 3 * 1/3 * 2 = 0: unseen words would be impossible
        ((0, 0, 0, 0), None),
    ],
)
def test_closed_form_discounts(counts_of_counts, expected):
    counts = np.repeat([1, 2, 3, 4, 0, 9], [*counts_of_counts, 5, 7])
    assert closed_form_discounts(counts) == (expected if expected is None else pytest.approx(expected, rel=1e-12))
