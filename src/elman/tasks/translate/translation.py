"""What a translator says of one text."""

from elman.tasks.generated_text import GeneratedText


class Translation(GeneratedText):
    """A text and its translations.

    >>> translation = Translation("a cat", ("eine Katze", "die Katze"), (-0.5, -1.5))
    >>> translation.text, translation.probabilities.round(2).tolist()
    ('eine Katze', [0.61, 0.22])
    """

    TEXT = "translation"
