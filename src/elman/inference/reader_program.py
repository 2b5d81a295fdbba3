"""The program of a reader: what follows from a word alone, a step in each direction of both texts,
the scores.

    words                    word, subwords [S] -> vector [X], key [A], question.forward, question.backward
    question.forward.step    hoisted, question.forward.k -> next.question.forward.k, token
    question.backward.step   the same, of words in reverse order
    attention                token [D] -> score [1]
    query                    question [D] -> first [D], last [D]
    passage                  vector [X], aligned [X], features [F] -> passage.forward, passage.backward
    passage.forward.step     hoisted, passage.forward.k -> next.passage.forward.k, token
    passage.backward.step    the same, of words in reverse order

What a step needs of a word is computed once (``hoisting.py``). Between them lie the attention of
the passage to the question's words, which gives ``aligned``, the mean of the question's tokens by
their scores, and the products of a passage's tokens with ``first`` and ``last``. Id V stands for
`<s>`, with which both texts begin.
"""

from elman.cells.operators import concat, linear, relu
from elman.cells.symbol import Symbol
from elman.inference.hoisting import hoisted
from elman.inference.program import Function, Program, id_input
from elman.inference.stack import record_embedding, record_stack
from elman.inference.tagger_program import replaced
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import FEATURES


def reader_program(config: ReaderConfig, vocab: int) -> Program:
    """The program of a network with V word ids; weights go by their names."""
    size, token = config.word_size, config.token_size
    word = record_embedding(config, id_input("word", vocab), vocab)
    vector = concat(word, Symbol.input("subwords", config.subword_size))
    read = Symbol.input("vector", size), Symbol.input("aligned", size), Symbol.input("features", FEATURES)
    inputs = {"question": vector, "passage": _linear("combine", concat(*read), config.input_size)}
    tables: dict[str, dict[str, Symbol]] = {"question": {}, "passage": {}}
    steps: dict[str, Function] = {}
    states: dict[str, int] = {}
    for text, whole in inputs.items():
        for direction in config.directions:
            name = f"{text}.{direction}"
            stack = record_stack(config, Symbol.input("x", config.input_size), name=name)
            outer, steps[f"{name}.step"] = hoisted(Function({"token": stack.top, **stack.after}), "x")
            tables[text][name] = replaced(outer, {"x": whole})
            states |= stack.states
    question = Symbol.input("question", token)
    ends = {name: linear(question, Symbol.parameter(f"{name}.weight", (token, token))) for name in ("first", "last")}
    score = linear(Symbol.input("token", token), Symbol.parameter("attention.weight", (1, token)))
    words = {"vector": vector, "key": relu(_linear("align", vector, config.align_size)), **tables["question"]}
    functions = {
        "words": Function(words),
        "attention": Function({"score": score}),
        "query": Function(ends),
        "passage": Function(tables["passage"]),
    }
    return Program({**functions, **steps}, states)


def _linear(name: str, x: Symbol, size: int) -> Symbol:
    weight, bias = Symbol.parameter(f"{name}.weight", (size, x.size)), Symbol.parameter(f"{name}.bias", (size,))
    return linear(x, weight, bias)
