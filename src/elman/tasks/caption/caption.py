"""What a captioner says of one picture."""

from elman.tasks.generated_text import GeneratedText


class Caption(GeneratedText):
    """A picture and its captions.

    >>> print(Caption("a.png", ("a dog",), (-0.5,)).to_json())
    {'picture': 'a.png', 'caption': 'a dog', 'log_prob': -0.5}
    """

    SOURCE, TEXT = "picture", "caption"
