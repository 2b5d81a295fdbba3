"""The model against the equations written out with dictionaries, its states, and its tables as
arrays.
"""

from collections import Counter, defaultdict

import numpy as np
import pytest
from safetensors.numpy import load, save

from elman.errors import FolderError, ModelError, TextError, UsageError
from elman.models.ngram.counts import count_ngrams
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.models.ngram.tables import COLUMNS
from elman.models.protocol import State
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

BOS = -1
SMALL = ["a a c", "a c", "b", "a a"]


class Reference:
    """Interpolated modified Kneser-Ney, one equation at a time and as slow as that is."""

    def __init__(self, lines: list[list[int]], order: int, vocab_size: int, least: list[int] | None = None) -> None:
        self.order, self.vocab_size = order, vocab_size
        self.least = least or [1] * order
        raw = defaultdict(Counter)
        lefts = defaultdict(set)
        for line in lines:
            read = [BOS, *line, EOS_ID]
            for n in range(1, order + 1):
                for end in range(max(n, 2), len(read) + 1):
                    gram = tuple(read[end - n : end])
                    raw[n][gram] += 1
                    if end - n > 0:
                        lefts[gram].add(read[end - n - 1])
        self.raw = raw
        self.adjusted = {
            n: {g: c if n == order or g[0] == BOS else len(lefts[g]) for g, c in raw[n].items()}
            for n in range(1, order + 1)
        }
        self.discounts = {n: self.discounts_of(counts) for n, counts in self.adjusted.items()}
        self.after = defaultdict(dict)
        for counts in self.adjusted.values():
            for gram, count in counts.items():
                self.after[gram[:-1]][gram[-1]] = count

    @staticmethod
    def discounts_of(counts: dict[tuple[int, ...], int]) -> list[float]:
        t = Counter(counts.values())
        if t[1] and t[2] and t[3]:
            y = t[1] / (t[1] + 2 * t[2])
            found = [0.0, 1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]]
            if all(0 < found[k] <= k for k in (1, 2, 3)):
                return found
        return [0.0, 0.5, 1.0, 1.5]

    def probability(self, word: int, context: tuple[int, ...]) -> float:
        lower = self.probability(word, context[1:]) if context else 1 / self.vocab_size
        seen = self.after.get(context)
        if not seen:
            return lower
        discounts = self.discounts[len(context) + 1]
        total = sum(seen.values())
        needed = self.least[len(context)]
        kept = {word: count for word, count in seen.items() if self.raw[len(context) + 1][*context, word] >= needed}
        freed = sum(discounts[min(count, 3)] if word in kept else count for word, count in seen.items())
        count = kept.get(word, 0)
        return (count - discounts[min(count, 3)]) / total + freed / total * lower

    def predicted(self, history: list[int]) -> list[float]:
        """Every type's probability after the tokens of ``history``, of which only the last line
        counts.
        """
        line = [BOS, *history]
        for place, token in enumerate(history):
            if token == EOS_ID:
                line = [BOS, *history[place + 1 :]]
        context = tuple(line[len(line) - min(self.order - 1, len(line)) :])
        return [self.probability(word, context) for word in range(self.vocab_size)]


def random_text(seed: int) -> tuple[list[str], int]:
    """Lines of skewed random words, so that all counts from 1 up occur, and an order."""
    draw = np.random.default_rng(seed)
    types = int(draw.integers(3, 12))
    shares = draw.dirichlet(np.full(types, 0.5))
    count = int(draw.choice([2, 20, 200]))
    return [
        " ".join(f"w{k}" for k in draw.choice(types, draw.integers(0, 8), p=shares)) for _ in range(count)
    ], seed % 7 + 1


@pytest.mark.parametrize("seed", range(14))
def test_every_state_predicts_as_the_equations_say(fit, seed):
    lines, order = random_text(seed)
    model = fit(lines, order=order)
    reference = Reference([model.tokenizer.encode(line).ids.tolist() for line in lines], order, model.tokenizer.size)
    np.testing.assert_allclose(
        model.tables.discounts, [reference.discounts[n][1:] for n in range(1, order + 1)], rtol=1e-12
    )
    draw = np.random.default_rng(seed + 100)
    # Half of each text read is training text, half is random, so contexts are seen, half seen and
    # unseen.
    given = model.tokenizer.encode(" ".join(lines[:5])).ids[:12].tolist()
    read = [*given, EOS_ID, *draw.integers(0, model.tokenizer.size, 12).tolist()]
    state = model.start()
    expected_scores = []
    for place, token in enumerate(read):
        expected = np.log(reference.predicted(read[:place]))
        np.testing.assert_allclose(model.log_probs(state)[0], expected, rtol=1e-5, atol=1e-6)
        expected_scores.append(expected[token])
        state = model.advance(np.array([token]), state)
    scores, final = model.score(np.array([read]), np.array([len(read)]), model.start())
    np.testing.assert_allclose(scores[0], expected_scores, rtol=1e-5, atol=1e-6)
    assert final.key() == state.key()


def test_contexts_that_change_nothing_make_one_state(fit):
    model = fit(["a b c", "d b", "a d"], order=3)
    ids = {token.strip(): place for place, token in enumerate(model.tokenizer.tokens)}

    def after(*words: str) -> State:
        state = model.start()
        for word in words:
            state = model.advance(np.array([ids[word]]), state)
        return state

    bos = model.tokenizer.size
    assert model.start().parts["contexts"].tolist() == [[bos, -1]]
    # "c b" was never seen: only "b" matters.
    assert after("c", "b").parts["contexts"].tolist() == [[ids["b"], -1]]
    assert after("c", "b").key() == after("b", "b").key() != after("a", "b").key()
    # A line end forgets the line, whatever it was; <unk> was never seen, so nothing follows it.
    assert after("a", "b", "</s>").key() == after("d", "</s>").key() == model.start().key()
    assert after("a", "<unk>").parts["contexts"].tolist() == [[-1, -1]]
    # Without the longer order, "a b" as a context says nothing either.
    assert fit(["a b c", "d b", "a d"], order=2).start().parts["contexts"].tolist() == [[bos]]
    assert fit(["a b c"], order=1).start(4).parts["contexts"].shape == (4, 0)


def test_only_blank_lines_give_a_model_of_line_ends(fit):
    model = fit(["", "", ""], order=5)
    # `<s> </s>` occurs 3 times: p(</s>) = (1 - 1/2) + (1/2)/2 = 3/4; p(</s> | <s>) = (3 - 3/2)/3 +
    # (1/2) 3/4 = 7/8.
    np.testing.assert_allclose(np.exp(model.log_probs(model.start())), [[1 / 8, 7 / 8]], rtol=1e-6)
    scores, _ = model.score(np.array([[1, 0, 1]]), np.array([3]), model.start())
    np.testing.assert_allclose(np.exp(scores), [[7 / 8, 1 / 8, 3 / 4]], rtol=1e-6)


def test_all_integer_types_and_mapped_files_count_alike(tmp_path):
    words = Tokenizer.fit(SMALL, config=TokenizerConfig(pretokenized=True))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in SMALL])
    hashes = set()
    for dtype in (np.uint16, np.uint32, np.int64):
        mapped = np.memmap(tmp_path / np.dtype(dtype).name, dtype=dtype, mode="w+", shape=ids.shape)
        mapped[:] = ids
        model = fit_ngram(mapped, np.array([0, len(ids)]), words, config=NgramConfig(order=3))
        hashes.add(model.model_hash)
    assert len(hashes) == 1


def test_arrays_survive_a_file_exactly(fit):
    model = fit(SMALL, order=3)
    again = NgramModel.from_arrays(load(save(model.to_arrays())), model.tokenizer, model.config)
    assert again.model_hash == model.model_hash and again.notes == model.notes != []
    ids = np.array([[2, 2, 4, 1, 0], [3, 1, 2, 4, 4]])
    (found, found_state), (wanted, wanted_state) = (m.score(ids, np.array([5, 3]), m.start(2)) for m in (again, model))
    assert found.tobytes() == wanted.tobytes()
    assert [found_state.key(row) for row in (0, 1)] == [wanted_state.key(row) for row in (0, 1)]


def test_the_hash_names_configuration_vocabulary_and_tables(fit):
    model = fit(SMALL, order=2)
    other_words = Tokenizer.fit(["d d c", "d c", "b", "d d"], config=TokenizerConfig(pretokenized=True))
    assert other_words.size == model.tokenizer.size
    renamed = NgramModel(model.tables, other_words, model.config)
    changed = {**model.to_arrays(), "unigrams": model.tables.unigrams * (1 - 1e-6)}
    nudged = NgramModel.from_arrays(changed, model.tokenizer, model.config)
    hashes = [m.model_hash for m in (model, renamed, nudged, fit(SMALL, order=3), fit(SMALL[1:], order=2))]
    assert len(set(hashes)) == 5 and all(len(name) == 64 for name in hashes)
    assert fit(SMALL, order=2).model_hash == model.model_hash


def test_describe_counts_what_is_stored(fit):
    # 5 types; 7 bigrams; trigrams <s> a a, a a c, a c </s>, <s> a c, <s> b </s>, a a </s>.
    assert fit(SMALL, order=3).describe() == {"name": "ngram", "parameters": 18, "size": "order 3", "ngrams": [5, 7, 6]}


@pytest.mark.parametrize("order", [0, 8, -1])
def test_order_is_1_to_7(order):
    with pytest.raises(UsageError, match=f"order is {order}; it must be 1 to 7"):
        NgramConfig(order=order)


def test_nothing_to_count_is_an_error(fit):
    words = Tokenizer.fit(SMALL, config=TokenizerConfig(pretokenized=True))
    with pytest.raises(TextError, match="no tokens to count"):
        fit_ngram(np.empty(0, dtype=np.uint16), np.array([0]), words)


def test_strangers_are_refused(fit):
    model = fit(SMALL, order=3)
    with pytest.raises(ModelError, match="another model"):
        model.log_probs(fit(SMALL, order=2).start())
    for node in (-2, 10**6):
        with pytest.raises(ModelError, match="contexts that the model does not have"):
            model.log_probs(State(model.model_hash, {"contexts": np.array([[0, node]])}))
    for token in (-1, model.tokenizer.size):
        with pytest.raises(IndexError, match="token ids must be 0 to 4"):
            model.advance(np.array([token]), model.start())


def damaged(**changes):
    """Named functions from good arrays to bad ones."""
    return [pytest.param(change, message, id=name) for name, (change, message) in changes.items()]


def in_layout(row, column, value):
    def change(arrays):
        arrays["layout"][row, COLUMNS.index(column)] = value

    return change


def with_slots(arrays):
    for column, value in {"slots": 0, "slot_bits": 4, "slots_log": 20}.items():
        arrays["layout"][0, COLUMNS.index(column)] = value


def without_starts(outside):
    def change(arrays):
        row = arrays["layout"][1]
        for column, value in {"start_bits": 0, "blocks": 0, "block_bits": 4, "bits": 0, "bits_end": 2}.items():
            row[COLUMNS.index(column)] = 10**6 if column == outside else value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    damaged(
        missing=(lambda a: a.pop("books"), "books is missing"),
        unknown=(lambda a: a.update(order_4=a["discounts"]), "order_4 is not known"),
        wrong_type=(lambda a: a.update(data=a["data"].view(np.int64)), "data is int64 [0-9]+, not uint64 any"),
        wrong_length=(lambda a: a.update(unigrams=a["unigrams"][1:]), "unigrams is float64 4, not float64 5"),
        wrong_rank=(lambda a: a.update(data=a["data"][None]), "data is uint64 1x[0-9]+, not uint64 any"),
        scalar=(lambda a: a.update({"discounts": np.float64(1)}), "discounts is float64 scalar, not float64 3x3"),
        no_number=(lambda a: a["unigrams"].__setitem__(0, np.nan), "unigrams holds values outside 0 to 1"),
        impossible=(lambda a: a["unigrams"].__setitem__(0, -np.inf), "unigrams holds values outside 0 to 1"),
        too_probable=(lambda a: a["books"].__setitem__(0, 1.5), "books holds values outside 0 to 1"),
        discount=(lambda a: a["discounts"].__setitem__((0, 0), -1), "discounts holds values outside 0 to 3"),
        flag=(lambda a: a["fixed"].__setitem__(0, 2), "fixed holds values outside 0 to 1"),
        far=(in_layout(1, "grams", 1 << 41), "layout holds values outside -1 to 1.09951e"),
        words_outside=(in_layout(1, "grams", 10**6), r"layout does not fit the tables \(order 2\)"),
        more_words=(in_layout(2, "entries", 10**6), r"layout does not fit the tables \(order 3\)"),
        no_bits=(in_layout(2, "word_bits", 0), r"layout does not fit the tables \(order 3\)"),
        wide=(in_layout(1, "value_bits", 33), r"layout does not fit the tables \(order 2\)"),
        outside_the_book=(in_layout(1, "value_codebook", 10**6), r"layout does not fit the tables \(order 2\)"),
        values_outside=(in_layout(2, "grams", 10**6), r"layout does not fit the tables \(order 3\)"),
        rests_outside=(in_layout(0, "contexts", 10**6), r"layout does not fit the tables \(order 1\)"),
        blocks_outside=(without_starts("blocks"), r"layout does not fit the tables \(order 2\)"),
        bits_outside=(without_starts("bits_end"), r"layout does not fit the tables \(order 2\)"),
        slots_outside=(with_slots, r"layout does not fit the tables \(order 1\)"),
        other_contexts=(in_layout(1, "nodes", 3), r"layout does not fit the tables \(order 2\)"),
    ),
)
def test_damaged_arrays_are_refused(fit, change, message):
    model = fit(SMALL, order=3)
    arrays = {name: array.copy() for name, array in model.to_arrays().items()}
    change(arrays)
    with pytest.raises(FolderError, match=f"^the n-gram tables are damaged: {message}.*; copy the model again"):
        NgramModel.from_arrays(arrays, model.tokenizer, model.config)


@pytest.mark.parametrize("seed", range(8))
def test_arbitrary_contents_are_wrong_numbers_at_worst(fit, seed):
    lines, order = random_text(7 * seed + 4)
    model = fit(lines, order=order)
    draw = np.random.default_rng(seed)
    arrays = {name: array.copy() for name, array in model.to_arrays().items()}
    arrays["data"] = draw.integers(0, 1 << 63, len(arrays["data"]), dtype=np.uint64)
    arrays["data"][draw.integers(0, len(arrays["data"]), 9)] = 0
    for interpolated in (0, 1):
        arrays["form"] = np.array([interpolated, seed % 2], np.uint8)
        spoilt = NgramModel.from_arrays(arrays, model.tokenizer, model.config)
        ids = draw.integers(0, model.tokenizer.size, (5, 40))
        with np.errstate(all="ignore"):
            by_hand, state = spoilt.score(ids, np.full(5, 40), spoilt.start(5))
            spoilt.log_probs(state)
            spoilt._read = 10**9
            again, _ = spoilt.score(ids, np.full(5, 40), spoilt.start(5))
            spoilt.log_probs(state)


def test_arrays_of_another_vocabulary_or_order_are_refused(fit):
    model = fit(SMALL, order=3)
    with pytest.raises(FolderError, match="layout is int64 3x17, not int64 4x17"):
        NgramModel.from_arrays(model.to_arrays(), model.tokenizer, NgramConfig(order=4))
    more = Tokenizer.fit([*SMALL, "e"], config=TokenizerConfig(pretokenized=True))
    with pytest.raises(FolderError, match="unigrams is float64 5, not float64 6"):
        NgramModel.from_arrays(model.to_arrays(), more, model.config)


@pytest.mark.parametrize("seed", range(14))
def test_compiled_reading_gives_the_same_bits(fit, seed):
    lines, order = random_text(seed)
    model = fit(lines, order=order)
    if seed % 2:
        model = NgramModel.from_backoff(model.backoff_tables(), model.tokenizer)
    draw = np.random.default_rng(seed)
    rows = int(draw.integers(1, 6))
    ids = draw.integers(0, model.tokenizer.size, (rows, 60))
    lengths = draw.integers(0, 61, rows)
    assert model._read == 0
    slow, slow_state = model.score(ids, lengths, model.start(rows))
    slow_all = model.log_probs(slow_state)
    model._read = 10**9
    fast, fast_state = model.score(ids, lengths, model.start(rows))
    assert fast.tobytes() == slow.tobytes()
    assert [fast_state.key(row) for row in range(rows)] == [slow_state.key(row) for row in range(rows)]
    assert model.log_probs(fast_state).tobytes() == slow_all.tobytes()


@pytest.mark.parametrize("seed", range(14))
def test_whole_probabilities_say_the_same_as_shares(fit, seed):
    lines, order = random_text(seed)
    model = fit(lines, order=order)
    whole = NgramModel.from_backoff(model.backoff_tables(), model.tokenizer)
    assert whole.tables.counts == model.tables.counts and whole.tables.closed
    ids = np.random.default_rng(seed).integers(0, model.tokenizer.size, (3, 40))
    for read in (ids, np.array([[*model.tokenizer.encode(line).ids, EOS_ID] for line in lines[:1]])):
        lengths = np.full(len(read), read.shape[1])
        wanted, state = model.score(read, lengths, model.start(len(read)))
        found, _ = whole.score(read, lengths, whole.start(len(read)))
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    again = whole.backoff_tables()
    for name in ("keys", "log10_probs", "log10_backoffs"):
        for own, other in zip(getattr(again, name), getattr(model.backoff_tables(), name), strict=True):
            assert own.tobytes() == other.tobytes()


@pytest.mark.parametrize("seed", range(14))
def test_what_is_too_rare_goes_and_sums_stay_1(fit, seed):
    lines, order = random_text(seed)
    words = fit(lines, order=1).tokenizer
    read = [words.encode(line).ids.tolist() for line in lines]
    ids = np.concatenate([[*line, EOS_ID] for line in read])
    orders = count_ngrams(ids, np.array([0, len(ids)]), order=order, vocab_size=words.size, eos_id=EOS_ID)
    least = [1, 1, 2, 2, 3, 3, 3][:order]
    model = NgramModel(estimate(orders, vocab_size=words.size, least=least), words, NgramConfig(order=order))
    reference = Reference(read, order, words.size, least=least)
    state = model.start()
    tokens = [*ids[:12].tolist(), EOS_ID, *np.random.default_rng(seed).integers(0, words.size, 12).tolist()]
    for place, token in enumerate(tokens):
        expected = np.array(reference.predicted(tokens[:place]))
        assert expected.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(model.log_probs(state)[0], np.log(expected), rtol=1e-5, atol=1e-6)
        state = model.advance(np.array([token]), state)
    assert model.tables.counts[1:] == [
        sum(count >= least[n - 1] for gram, count in reference.raw[n].items()) for n in range(2, order + 1)
    ]
