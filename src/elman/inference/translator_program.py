"""The program of a translator: a step in each direction of its encoder, and those of its decoder.

    forward.step    ids, forward.k -> next.forward.k, token
    backward.step   the same, of tokens in reverse order
    keys            token [D] -> key [A], with attention
    begin           whole [D] -> stack.k, of cells whose state follows from the source
    step            ids, stack.k [, vector [E]] -> next.stack.k, top [, query [A]]
    combine         top [H] [, context [D]] -> vector [E]
    output          vector [E], targets -> log_probs [V], chosen [1]

What lies between ``step`` and ``combine`` depends on the length of the source: ``attention_kernels``.
Id V stands for `<s>`.
"""

from elman.cells.operators import concat, linear, tanh
from elman.cells.symbol import Symbol
from elman.inference.program import Function, Program, id_input, log_softmax, picked, rows
from elman.inference.stack import record_embedding, record_stack
from elman.models.translator_config import TranslatorConfig, TranslatorSizes


def translator_program(config: TranslatorConfig, sizes: TranslatorSizes) -> Program:
    """The program of a network of this configuration; weights go by their names."""
    functions: dict[str, Function] = {}
    states: dict[str, int] = {}
    table = Symbol.parameter(
        "embedding.weight" if config.joint else "source.weight", (sizes.source + 1, config.embedding_size)
    )
    for direction in config.directions:
        stack = record_stack(config, rows(table, id_input("ids", sizes.source)), name=direction)
        functions[f"{direction}.step"] = Function({"token": stack.top, **stack.after})
        states |= stack.states
    if config.attends:
        key = Symbol.parameter("attention.key", (config.key_size, config.token_size))
        keys = linear(Symbol.input("token", config.token_size), key)
        scale = 1.0 if config.attention == "additive" else config.key_size**-0.5
        functions["keys"] = Function({"key": keys * scale})
    x = record_embedding(config, id_input("ids", sizes.target), sizes.target)
    vector = Symbol.input("vector", config.embedding_size)
    stack = record_stack(config, concat(x, vector) if config.input_feeding else x)
    states |= stack.states
    if config.begin_size:
        functions["begin"] = _begin(config, stack.states)
    step = {"top": stack.top, **stack.after}
    if config.attention == "additive":
        query = Symbol.parameter("attention.query", (config.key_size, config.top_size))
        step["query"] = linear(stack.top, query)
    functions["step"] = Function(step)
    read = [Symbol.input("top", config.top_size)]
    if config.attends:
        read.append(Symbol.input("context", config.token_size))
    whole = concat(*read) if len(read) > 1 else read[0]
    weight = Symbol.parameter("combine.weight", (config.embedding_size, whole.size))
    functions["combine"] = Function({"vector": tanh(linear(whole, weight))})
    # The row of `<s>` is never predicted.
    own = Symbol.parameter("output.weight", (sizes.target, config.embedding_size))
    tied = Symbol.parameter("embedding.weight", (sizes.target + 1, config.embedding_size)).cut(0, sizes.target)
    bias = Symbol.parameter("output.bias", (sizes.target,))
    log_probs = log_softmax(linear(vector, tied if config.tied else own, bias))
    chosen = picked(log_probs, id_input("targets", sizes.target - 1))
    functions["output"] = Function({"log_probs": log_probs, "chosen": chosen})
    return Program(functions, states)


def _begin(config: TranslatorConfig, states: dict[str, int]) -> Function:
    weight = Symbol.parameter("begin.weight", (config.begin_size, config.token_size))
    bias = Symbol.parameter("begin.bias", (config.begin_size,))
    whole = tanh(linear(Symbol.input("whole", config.token_size), weight, bias))
    parts, start = {}, 0
    for name, size in states.items():
        parts[name] = whole.cut(start, start + size)
        start += size
    return Function(parts)
