"""The program of an outcome network: a row to its outcomes, and the update of each entity.

    output     id.c of each category, numbers, top.r and gaps.r of each entity -> logits [K]
    update.r   the same, outcome, surprise, after, and the state parts of entity r -> top, next.stack.k

``weights.outcome_equations`` has the equations; the network in torch computes the same ones.
"""

from elman.cells.symbol import Symbol
from elman.inference.program import Function, Program, id_input, rows
from elman.inference.stack import record_stack
from elman.models.outcome_config import GAPS, OutcomeConfig, OutcomeSizes
from elman.models.outcome_equations import logits_of, row_of, update_of, weight_shapes


def outcome_program(config: OutcomeConfig, sizes: OutcomeSizes) -> Program:
    """The program; weights go by their names."""
    w = {name: Symbol.parameter(name, shape) for name, shape in weight_shapes(config, sizes)}
    embedded = [
        rows(w[f"tables.{table}"], id_input(f"id.{column}", sizes.tables[table] - 1))
        for column, table in enumerate(sizes.columns)
    ]
    roles = range(sizes.roles)
    row = row_of(
        embedded,
        Symbol.input("numbers", sizes.numbers) if sizes.numbers else None,
        [Symbol.input(f"top.{role}", config.top_size) for role in roles],
        [Symbol.input(f"gaps.{role}", GAPS) for role in roles],
    )
    functions = {"output": Function({"logits": logits_of(row, w, config.dense_layers)})}
    states: dict[str, int] = {}
    for role in roles:
        outcome, surprise = (Symbol.input(name, sizes.outcomes) for name in ("outcome", "surprise"))
        after = Symbol.input("after", sizes.after) if sizes.after else None
        stack = record_stack(config, update_of(role, row, outcome, surprise, after, w), name="stack")
        functions[f"update.{role}"] = Function({"top": stack.top, **stack.after})
        states = stack.states
    return Program(functions, states)
