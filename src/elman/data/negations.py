"""Words that turn the meaning of those after them, such as *not*.

A classifier counts the words within reach of a negation once more, as features of their own (Das
and Chen 2001; Pang et al. 2002). The list is English: in texts of other languages nothing is
negated.
"""

from itertools import product

_WORDS = "not no never neither nor nothing none nobody nowhere hardly barely scarcely without cannot n't"
_VERBS = "ai are ca could dare did do does had has have is may might must need ought sha should was were wo would"
_APOSTROPHES = ("'", "’", "")
"""Between the verbs, an n, and a t; it may be missing (``dont``)."""
REACH = 5
"""Words after a negation that are negated, up to the next punctuation mark or negation."""


def negations() -> tuple[str, ...]:
    """All of them in lower case, sorted.

    >>> [word in negations() for word in ("not", "n’t", "didn't", "cant", "knot")]
    [True, True, True, True, False]
    """
    contracted = (f"{verb}n{sign}t" for verb, sign in product(_VERBS.split(), _APOSTROPHES))
    return tuple(sorted({*_WORDS.split(), "n’t", *contracted} - {"want"}))
