"""The line that says what exactly a figure measured."""


def signature(**parts: str) -> str:
    """One line that pins a figure down, ``name:value`` joined by bars, in the order given.

    >>> signature(model="lstm", context="document")
    'model:lstm|context:document'
    """
    return "|".join(f"{name}:{value}" for name, value in parts.items())
