import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.example_splits import duplicates_between, random_part, split_examples
from elman.data.examples import Example
from elman.errors import TextError, UsageError


def example(text, *labels):
    return Example(text, labels, "a.csv", 1)


def texts(part):
    return {one.text for one in part}


def labels_of(part):
    return Counter(label for one in part for label in one.labels)


MANY = [example(f"text {n}", "abc"[min(n % 10, 2)]) for n in range(1000)]


def test_shares_of_each_label_are_exact():
    train, valid, test = split_examples(MANY, 0.1, test=True)
    # 100, 100 and 800 of a label: a tenth each.
    assert labels_of(valid) == labels_of(test) == {"a": 10, "b": 10, "c": 80}
    assert labels_of(train) == {"a": 80, "b": 80, "c": 640}
    assert texts(train) | texts(valid) | texts(test) == texts(MANY)
    _, valid, test = split_examples(MANY, 0.25)
    assert (labels_of(valid), test) == ({"a": 25, "b": 25, "c": 200}, [])


def test_the_order_of_examples_decides_nothing_but_the_order():
    shuffled = random.Random(0).sample(MANY, len(MANY))
    one, other = split_examples(MANY, 0.1, test=True), split_examples(shuffled, 0.1, test=True)
    for part, again in zip(one, other, strict=True):
        assert texts(part) == texts(again)
    assert other.train == [each for each in shuffled if each.text in texts(one.train)]
    assert split_examples(MANY, 0.1, seed=0) == split_examples(MANY, 0.1)
    assert texts(split_examples(MANY, 0.1, seed=1).valid) != texts(split_examples(MANY, 0.1).valid)


def test_files_and_lines_decide_nothing():
    moved = [Example(one.text, one.labels, "b.csv", 7) for one in MANY]
    assert texts(split_examples(moved, 0.1).valid) == texts(split_examples(MANY, 0.1).valid)


def test_equal_texts_stay_together_whatever_their_labels():
    some = [example(f"text {n % 60}", "ab"[n % 2 if n < 300 else (n + 1) % 2]) for n in range(600)]
    train, valid, test = split_examples(some, 0.1, test=True)
    assert not texts(train) & texts(valid) and not texts(train) & texts(test) and not texts(valid) & texts(test)
    assert 30 <= len(valid) <= 90 and 30 <= len(test) <= 90 and len(train) + len(valid) + len(test) == 600
    # Equal is equal in normal form.
    some = [example(f"caf{e} {n}{end}", "ab"[n % 2]) for n in range(40) for e, end in (("é", ""), ("e\u0301", " \n"))]
    train, valid, _ = split_examples(some, 0.1)
    assert duplicates_between(train, valid) == 0 and len(valid) == 8


def test_the_last_example_of_a_label_stays_in_training():
    some = [example(f"once {n}", f"{n}") for n in range(50)] + [example(f"text {n}", "a") for n in range(50)]
    train, valid, _ = split_examples(some, 0.2)
    assert labels_of(valid) == {"a": 10}
    assert {*labels_of(train)} == {*labels_of(some)}
    same = [example("same", "b")] * 10 + [example(f"text {n}", "a") for n in range(50)]
    assert labels_of(split_examples(same, 0.25, test=True).train)["b"] == 10


def test_a_text_too_frequent_to_be_held_out_is_not_made_up_for_by_other_labels():
    some = [example("again", "a")] * 1000 + [example("else", "a")] + [example(f"text {n}", "b") for n in range(60)]
    assert labels_of(split_examples(some, 0.1).valid) == {"a": 1, "b": 12}


def test_labels_that_are_rarely_seen_give_their_share_together():
    some = [example(f"text {n}", f"label {n // 4}") for n in range(2000)]
    train, valid, test = split_examples(some, 0.05, test=True)
    assert abs(len(valid) - 100) <= 1 and abs(len(test) - 100) <= 1
    assert max(labels_of(valid).values()) == 1
    assert {*labels_of(train)} == {*labels_of(some)}


def test_examples_with_several_labels_count_for_the_rarest():
    some = [example(f"text {n}", "common", *(["rare"] if n % 10 == 0 else [])) for n in range(1000)]
    _, valid, _ = split_examples(some, 0.1)
    assert labels_of(valid) == {"common": 100, "rare": 10}
    some = [example(f"text {n}", *(["a"] if n % 4 == 0 else [])) for n in range(400)]
    assert labels_of(split_examples(some, 0.1).valid) == {"a": 10}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sets(st.sampled_from("abcd"), max_size=2)), min_size=1, max_size=80),
    st.sampled_from([0.05, 0.1, 0.25]),
    st.booleans(),
)
def test_any_examples(rows, share, test):
    some = [example(str(number), *sorted(labels)) for number, labels in rows]
    try:
        parts = split_examples(some, share, test=test)
    except TextError as error:
        assert "too few to hold some out" in str(error)
        return
    assert sorted(one.text for part in parts for one in part) == sorted(one.text for one in some)
    assert not texts(parts.train) & texts(parts.valid) and not texts(parts.train) & texts(parts.test)
    assert not texts(parts.valid) & texts(parts.test)
    assert {*labels_of(parts.train)} == {*labels_of(some)}


def test_too_few():
    with pytest.raises(
        TextError, match="3 examples .* too few to hold some out for valid .*; give more, or --valid FILE"
    ):
        split_examples(MANY[:3], 0.1)
    with pytest.raises(TextError, match=r"for test .*; give more, or --test FILE"):
        split_examples([example(text, "a") for text in "xxxyy"], 0.25, test=True)


@pytest.mark.parametrize("share", [0, -0.1, 0.26, float("nan")])
def test_shares_that_are_wrong(share):
    with pytest.raises(UsageError, match="must be above 0 and at most 0.25"):
        split_examples(MANY, share)


def test_random_parts_grow_and_hold_the_ones_before():
    examples = list(range(100))
    parts = [random_part(examples, size) for size in (6, 12, 25, 50, 100, 200)]
    assert [len(part) for part in parts] == [6, 12, 25, 50, 100, 100]
    assert all(part == sorted(part) and set(part) <= set(more) for part, more in zip(parts, parts[1:], strict=False))
    assert parts[-1] == examples and parts[0] != examples[:6]
    assert parts[0] == random_part(examples, 6) != random_part(examples, 6, seed=2)


def test_duplicates():
    train = [example("café", "a"), example("b", "a")]
    assert (
        duplicates_between(train, [example("cafe\u0301 ", "b"), example("b", "b"), example("b", "c"), example("x")])
        == 3
    )
    assert duplicates_between([], train) == duplicates_between(train, []) == 0
