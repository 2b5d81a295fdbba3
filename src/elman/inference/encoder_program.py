"""The program of an encoder network: a step in each direction, and the labels.

    forward.step    ids, forward.k -> next.top, next.forward.k, token
    backward.step   the same, of tokens in reverse order
    attention       token [D] -> score [1], with attention pooling
    output          pooled [P] -> logits [K], log_probs [K], sigmoids [K]

``token`` is the input of pooling after each step: ``top``. With a bag of words, the forward step
appends the token's K numbers for the labels; ``output`` reads their mean as ``bag``. Id V stands
for `<s>`, with which every text begins.
"""

from elman.cells.operators import concat, linear, sigmoid
from elman.cells.symbol import Symbol
from elman.inference.program import Function, Program, id_input, log_softmax, rows
from elman.inference.stack import record_embedding, record_stack
from elman.models.encoder_config import EncoderConfig


def encoder_program(config: EncoderConfig, vocab: int, outputs: int) -> Program:
    """The program of a network with V types and K ``outputs``; weights go by their names.

    Without outputs, the pooled vectors are the result.
    """
    functions: dict[str, Function] = {}
    states: dict[str, int] = {}
    for direction in config.directions:
        ids = id_input("ids", vocab)
        stack = record_stack(config, record_embedding(config, ids, vocab), name=direction)
        token = stack.top
        if config.bag and direction == "forward":
            token = concat(token, rows(Symbol.parameter("bag.weight", (vocab + 1, outputs)), ids))
        functions[f"{direction}.step"] = Function({"next.top": stack.top, **stack.after, "token": token})
        states |= stack.states
    if config.pooling == "attention":
        token = Symbol.input("token", config.token_size)
        score = linear(token, Symbol.parameter("attention.weight", (1, config.token_size)))
        functions["attention"] = Function({"score": score})
    if outputs:
        functions["output"] = _output(config, outputs)
    return Program(functions, states)


def _output(config: EncoderConfig, outputs: int) -> Function:
    weight, bias = (
        Symbol.parameter(f"output.{name}", shape)
        for name, shape in (("weight", (outputs, config.pooled_size)), ("bias", (outputs,)))
    )
    logits = linear(Symbol.input("pooled", config.pooled_size), weight, bias)
    if config.bag:
        logits = logits + Symbol.input("bag", outputs)
    return Function({"logits": logits, "log_probs": log_softmax(logits), "sigmoids": sigmoid(logits)})
