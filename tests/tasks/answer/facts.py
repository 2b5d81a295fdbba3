"""The questions of ``examples/questions.py``, as the text of a file."""

import json
import runpy
from pathlib import Path

questions = runpy.run_path(str(Path(__file__).parents[3] / "examples" / "questions.py"))["questions"]


def as_json(count: int, seed: int, *, always: bool = False) -> str:
    """``count`` paragraphs with two questions that they answer and, unless ``always``, two that
    they do not."""
    return json.dumps(questions(count, seed, always=always))
