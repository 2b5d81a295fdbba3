"""The model against the equations written out with dictionaries, its states, and its tables as arrays."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from safetensors.numpy import load, save

from elman.errors import FolderError, ModelError, TextError, UsageError
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.models.protocol import State
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

BOS = -1
SMALL = ["a a c", "a c", "b", "a a"]


class Reference:
    """Interpolated modified Kneser-Ney, one equation at a time and as slow as that is."""

    def __init__(self, lines: list[list[int]], order: int, vocab_size: int) -> None:
        self.order, self.vocab_size = order, vocab_size
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
        freed = sum(discounts[min(count, 3)] for count in seen.values())
        count = seen.get(word, 0)
        return (count - discounts[min(count, 3)]) / total + freed / total * lower

    def predicted(self, history: list[int]) -> list[float]:
        """Every type's probability after the tokens of ``history``, of which only the last line counts."""
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
    # Half of each text read is training text, half is random, so contexts are seen, half seen and unseen.
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
    # `<s> </s>` occurs 3 times: p(</s>) = (1 - 1/2) + (1/2)/2 = 3/4; p(</s> | <s>) = (3 - 3/2)/3 + (1/2) 3/4 = 7/8.
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
    changed = {**model.to_arrays(), "order_1.backoffs": model.tables.backoffs[0] - np.float32(1e-6)}
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


@pytest.mark.parametrize(
    ("change", "message"),
    damaged(
        missing=(lambda a: a.pop("order_2.keys"), "order_2.keys is missing"),
        unknown=(lambda a: a.update(order_4=a["discounts"]), "order_4 is not known"),
        wrong_type=(
            lambda a: a.update({"order_2.keys": a["order_2.keys"].astype(np.int32)}),
            "order_2.keys is int32 7, not int64 any",
        ),
        wrong_float=(
            lambda a: a.update({"order_2.log_probs": a["order_2.log_probs"].astype(np.float64)}),
            "order_2.log_probs is float64 7, not float32 7",
        ),
        wrong_length=(
            lambda a: a.update({"order_2.log_probs": a["order_2.log_probs"][1:]}),
            "order_2.log_probs is float32 6, not float32 7",
        ),
        wrong_rank=(
            lambda a: a.update({"order_3.keys": a["order_3.keys"][None]}),
            "order_3.keys is int64 1x6, not int64 any",
        ),
        scalar=(lambda a: a.update({"discounts": np.float64(1)}), "discounts is float64 scalar, not float64 3x3"),
        unsorted=(
            lambda a: a.update({"order_2.keys": a["order_2.keys"][::-1].copy()}),
            "order_2.keys is not strictly rising",
        ),
        twice=(lambda a: a["order_3.keys"].__setitem__(1, a["order_3.keys"][0]), "order_3.keys is not strictly rising"),
        negative=(lambda a: a["order_2.keys"].__setitem__(0, -1), "order_2.keys holds values outside 0 to 29"),
        too_large=(lambda a: a["order_3.keys"].__setitem__(-1, 35), "order_3.keys holds values outside 0 to 34"),
        no_number=(
            lambda a: a["order_1.log_probs"].__setitem__(0, np.nan),
            "order_1.log_probs holds values outside -1000 to 0",
        ),
        impossible=(
            lambda a: a["order_1.log_probs"].__setitem__(0, -np.inf),
            "order_1.log_probs holds values outside -1000 to 0",
        ),
        too_probable=(
            lambda a: a["order_3.log_probs"].__setitem__(0, 0.5),
            "order_3.log_probs holds values outside -1000 to 0",
        ),
        infinite_backoff=(
            lambda a: a["order_2.backoffs"].__setitem__(0, np.inf),
            "order_2.backoffs holds values outside -1000 to 0.001",
        ),
        discount=(lambda a: a["discounts"].__setitem__((0, 0), -1), "discounts holds values outside 0 to 3"),
        flag=(lambda a: a["fixed"].__setitem__(0, 2), "fixed holds values outside 0 to 1"),
    ),
)
def test_damaged_arrays_are_refused(fit, change, message):
    model = fit(SMALL, order=3)
    arrays = {name: array.copy() for name, array in model.to_arrays().items()}
    change(arrays)
    with pytest.raises(FolderError, match=f"^the n-gram tables are damaged: {message}; copy the model again"):
        NgramModel.from_arrays(arrays, model.tokenizer, model.config)


def test_arrays_of_another_vocabulary_or_order_are_refused(fit):
    model = fit(SMALL, order=3)
    with pytest.raises(FolderError, match="discounts is float64 3x3, not float64 4x3"):
        NgramModel.from_arrays(model.to_arrays(), model.tokenizer, NgramConfig(order=4))
    more = Tokenizer.fit([*SMALL, "e"], config=TokenizerConfig(pretokenized=True))
    with pytest.raises(FolderError, match="order_1.log_probs is float32 5, not float32 6"):
        NgramModel.from_arrays(model.to_arrays(), more, model.config)
