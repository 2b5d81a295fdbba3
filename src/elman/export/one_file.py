"""One web page in one file: a template, a style, a script and data, with a policy that allows only
these."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from elman.web.assets import read


def one_file(
    template: str,
    data: Mapping[str, Any],
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    start: str = "begin",
    **shown: Any,
) -> str:
    """The page.

    Args:
        template: a file of ``elman.web`` that extends ``onefile.html``.
        data: what the script reads, as JSON.
        styles: files of ``elman.web``.
        scripts: modules of ``elman.web``, each after those that it imports from.
        start: the function that is called with the data and the document.
        shown: values for the template; they are escaped.
    """
    from jinja2 import Environment, FunctionLoader

    script = f"{joined(scripts)}\n{start}(JSON.parse(document.querySelector('#model').textContent), document);\n"
    style = "".join(map(read, styles))
    allowed = [f"{kind} 'sha256-{_digest(text)}'" for kind, text in (("script-src", script), ("style-src", style))]
    policy = "; ".join(["default-src 'none'", *allowed, "img-src data:", "base-uri 'none'", "form-action 'none'"])
    # Without `<`, JSON cannot become markup.
    model = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    environment = Environment(autoescape=True, loader=FunctionLoader(lambda name: _trusted(read(name))))
    return environment.get_template(template).render(policy=policy, style=style, script=script, model=model, **shown)


def _trusted(template: str) -> str:
    """The template with our own script, style and data marked as safe."""
    return re.sub(r"\{\{ (style|script|model) \}\}", r"{{ \1 | safe }}", template)


def joined(names: Sequence[str]) -> str:
    """Several modules of ``elman.web`` as one script, without their imports."""
    text = "\n".join(read(name) for name in names)
    text = re.sub(r"^import .*?;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=function|class|const|async)", "", text, flags=re.MULTILINE)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
