"""Chooses the groups of weights to store in 8 bits: all, or as many as stay within a bound."""

from collections.abc import Callable, Collection


def choose_groups(
    groups: Collection[str], cost: Callable[[frozenset[str]], float], *, bound: float
) -> tuple[frozenset[str], float]:
    """The groups to round, and their total cost.

    If all together cost too much, they are added one by one, cheapest first.

    Args:
        cost: the cost of a set of rounded groups; the empty set costs 0. Chance gains count as
            costs.
        bound: the largest cost.

    >>> harm = {"embedding": 0.1, "output": 0.5, "stack": 0.2}
    >>> kept, total = choose_groups(harm, lambda some: sum(harm[name] for name in some), bound=0.4)
    >>> sorted(kept), round(total, 3)
    (['embedding', 'stack'], 0.3)
    """
    every = frozenset(groups)
    total = cost(every)
    if abs(total) <= bound:
        return every, total
    alone = {group: abs(cost(frozenset([group]))) for group in sorted(every)}
    kept: frozenset[str] = frozenset()
    total = 0.0
    for group in sorted(alone, key=lambda group: alone[group]):
        more = cost(kept | {group})
        if abs(more) <= bound:
            kept, total = kept | {group}, more
    return kept, total
