"""What the programs of all networks with a decoder have in common.

    keys            token [D] -> key [A], with attention
    begin           whole [D] -> stack.k, of cells whose state follows from the source
    step            ids, stack.k [, vector [E]] -> next.stack.k, top [, query [A]]
    combine         top [H] [, context [D]] -> vector [E]
    output          vector [E], targets -> log_probs [V], chosen [1]

What lies between ``step`` and ``combine`` depends on the length of the source:
``attention_kernels``. Id V stands for `<s>`.
"""

from elman.cells.operators import concat, linear, tanh
from elman.cells.symbol import Symbol
from elman.inference.program import Function, Program, id_input, log_softmax, picked
from elman.inference.stack import RecordedStack, record_embedding, record_stack
from elman.models.decoder_config import DecoderConfig


def record_sides(config: DecoderConfig, x: Symbol, *, name: str = "") -> Program:
    """``NAMEforward.step`` and, in both directions, ``NAMEbackward.step``: one step of an encoder
    on ``x``.

    ``NAMEforward.k`` are the parts of its state; the output is ``token``.
    """
    functions: dict[str, Function] = {}
    states: dict[str, int] = {}
    for direction in config.directions:
        stack = record_stack(config, x, name=name + direction)
        functions[f"{name}{direction}.step"] = Function({"token": stack.top, **stack.after})
        states |= stack.states
    return Program(functions, states)


def decoder_program(config: DecoderConfig, types: int) -> Program:
    """The functions of the decoder of a network with V = ``types``; weights go by their names."""
    functions: dict[str, Function] = {}
    if config.attends:
        key = Symbol.parameter("attention.key", (config.key_size, config.token_size))
        keys = linear(Symbol.input("token", config.token_size), key)
        scale = 1.0 if config.attention == "additive" else config.key_size**-0.5
        functions["keys"] = Function({"key": keys * scale})
    x = record_embedding(config, id_input("ids", types), types)
    vector = Symbol.input("vector", config.embedding_size)
    stack = record_stack(config, concat(x, vector) if config.input_feeding else x)
    if config.begin_size:
        functions["begin"] = _begin(config, stack)
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
    own = Symbol.parameter("output.weight", (types, config.embedding_size))
    tied = Symbol.parameter("embedding.weight", (types + 1, config.embedding_size)).cut(0, types)
    bias = Symbol.parameter("output.bias", (types,))
    log_probs = log_softmax(linear(vector, tied if config.tied else own, bias))
    chosen = picked(log_probs, id_input("targets", types - 1))
    functions["output"] = Function({"log_probs": log_probs, "chosen": chosen})
    return Program(functions, stack.states)


def _begin(config: DecoderConfig, stack: RecordedStack) -> Function:
    weight = Symbol.parameter("begin.weight", (config.begin_size, config.token_size))
    bias = Symbol.parameter("begin.bias", (config.begin_size,))
    whole = tanh(linear(Symbol.input("whole", config.token_size), weight, bias))
    parts, start = {}, 0
    for name, size in stack.states.items():
        parts[name] = whole.cut(start, start + size)
        start += size
    return Function(parts)
