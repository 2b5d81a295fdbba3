"""Small models, prompts and opened pages for the tests of pages."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elman.decode.offers import Offers
from elman.export.html import write_page
from elman.export.ngram_page import page_ngram
from elman.export.page_check import completed
from elman.inference.model import InferenceModel, inference_model
from elman.inference.weights import groups_of
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.ngram.prune import context_probs_without_text
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.progress import Progress
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES

LINES = [
    "The cat's whiskers weren't long, were they?",
    'Don\'t say "well-known" words: café, naïve, 1999 and 3rd...',
    "It costs 5 €! 👍🏽 yes <b> & </script> {{ x }}",
    "the  cat sat on the mat",
    "ʻokina and l’été, x1 y2 z",
    "a-b c/d e.g. i.e.",
    "Кошка сидела",
    "cafe\u0301 again (and again) -- so -- far",
] * 3
_PROMPTS = """The|The |the c|The cat's|The cat' |weren|don't s|well-|well-kn|3|3r|5 €|5 €! |"|say "w|the  cat|zzz|zzz
café|CAF|x1 y|(an|-- |...|👍|<|</s|Ко|   |the cat sat on the mat the cat sat on the|l’|l’é|don'|'|e.g. i.|Don'|it's
|THE|THE C|tHE c|DON’|don’t |WERENʼ|were they? |were they? the|were they? th|were they? don|were they. i
were they.” s|th|the|it|кош|КОШ|кошка |the the |cat’s |x1 1999-12-"""
PROMPTS = re.split(r"[|\n]", _PROMPTS) + [
    "",
    "zzz ",
    "cafe\u0301",
    "\u00a0the ",
    "the cat\n",
    "the cat\nth",
    "yes\r\nIt",
]


# Letters beyond U+FFFF and right below, scripts without spaces, white space that JavaScript and
# Python see differently, and capitals whose small letters depend on their place.
SCRIPTS = [
    "ab ａｂｃ ａｂｄ abＸ cat ﬁne",
    "𝒜bc 𐐀𐐁 👍🏽 𠮷野家 cat",
    "私は猫です。 猫が好き 猫 我们 狗",
    "ลูกแมว น่ารัก แมว ١٢٣",
    "고양이가 हिन्दी שָׁלוֹם العربية",
    "dog\u00a0bird x\u3000y \u0301z",
    "ΟΔΥΣΣΕΥΣ σοφός İstanbul",
] * 3
SCRIPT_PROMPTS = re.split(
    r"\|",
    "|ab |ａ|ａｂ|abＸ|ﬁ|𝒜|𐐀|𝒜𐐀|cat 𝒜𐐀|👍|👍🏽 |𠮷|𠮷野|私|私は|猫|猫が|我们 |cat猫|猫cat|猫'|ลูก|แม|고|हि|של|ال|١"
    "|\u0301|3\u0301|dog\u00a0|x\u3000|the\ufeff|cat\x1c|cat\x85\nab |cat\ufeff\nab |cat\x1f\nab |ΟΔ"
    "|ΟΔΥΣ|ΟΔΥΣΣΕΥΣ|ΟΔΥΣΣΕΥΣ |σοφ|İ|Ὀ",
)

# What people type around words and in place of them.
TYPED = [
    "«\u00a0Bonjour\u202f!\u00a0» dit-elle (à\tl’ami, l'ami, lʼami) aujourd'hui",
    "see https://example.org/a_(b)?q=1 or mail ann.lee@example.org, @ann_lee :-) <3 #tag",
    "🇫🇷🇩🇪 1️⃣ 👨‍👩‍👧 ok😂😂",
    "1,234.56 at 10:30 on the 3rd, co­operate ‎left ខ្ញុំ​ទៅ​ផ្សារ foo​bar",
    "ΔΡΟΜΟΣ δρομος ISPARTA İstanbul ﬁne ａｂｃ rock'n’roll",
] * 3
TYPED_PROMPTS = re.split(
    r"\|",
    "«|«\u00a0|«\u00a0Bon|(|(l'|(l’a|lʼ|lʼa|(lʼami |dit-|dit-el|aujourd’h|rock'n’|rock’n'r|rock’n’roll |see ht"
    "|@ann|mail ann.lee@example.org|:|:-)|:-) |<3|#t|🇫🇷|ok😂|ok😂o|1\ufe0f\u20e3s"
    "|@|see @|(@|x@|#|\u00a0#|a.@|see https:|see https://exam|ann.|ann.lee@|say https.|rock'|1,"
    "|1,2|1,234.56 |10:|10:3|the 3r|co\u00adop|co\u00adoperate |\u200el|\u200ele|ខ្ញុំ\u200bទ|ខ្ញុំ\u200b|foo\u200bb"
    "|ΔΡ|ΔΡΟΜΟΣ|ΔΡΟΜΟΣ |δρομο|ISP|ısp|İST|ﬁ|ａｂ|ﬁne |  see|\t|\tsee|see  |see \u00a0|ann,|ann, |\u02bc|’|l|«ﬁ",
) + ["ក្", "ក្ក", "น้ำ", "\U0001f469\u200d", "\U0001f1eb", "\U0001f468\u200d\U0001f469", "a\u200e", "x\U0001f3fd"]


def network(
    cell: str,
    *,
    lines: list[str] = LINES,
    lowercase: bool = False,
    pretokenized: bool = False,
    rules: int = RULES,
    int8: bool = True,
    **shape: Any,
) -> InferenceModel:
    """A small network whose weights are large, so that its probabilities lie far apart."""
    spelling = {name: shape.pop(name) for name in ("locale", "compatibility") if name in shape}
    config = TokenizerConfig(min_count=1, lowercase=lowercase, pretokenized=pretokenized, rules=rules, **spelling)
    tokenizer = Tokenizer.fit(lines, config=config)
    torch.manual_seed(3)
    settings = NeuralConfig(cell=cell, **{"embedding_size": 10, "hidden_size": 18, **shape})  # type: ignore[arg-type]
    module = Network(settings, tokenizer.size)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.uniform_(-0.8, 0.8) if "weight" in name else parameter.uniform_(-0.5, 0.5)
    model = NeuralModel(module, tokenizer, settings)
    arrays = model.to_arrays()
    about: dict[str, Any] = {"model_hash": model.model_hash, "about": model.describe()}
    groups = [group for group in groups_of(arrays) if int8 or not group.startswith("stack.")]
    return inference_model(arrays, settings, tokenizer, int8=groups, **about)


def ngram(order: int, *, lines: list[str] = LINES, room: int | None = None, **options: Any) -> NgramModel:
    """An n-gram as a page holds it, pruned if it needs more than ``room`` bytes there."""
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1, rules=RULES, **options))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    whole = fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=order))
    return page_ngram(whole, room=room, context_probs=context_probs_without_text(whole.backoff_tables()))


class Opened:
    """Pages opened from disk, what they asked for and what went wrong in them."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self._context = browser.new_context()
        self._folder = folder
        self.requests: list[str] = []
        self.mistakes: list[str] = []

    def open(
        self, lm: Any, *, name: str = "model", block: tuple[str, ...] = (), secrets: bool = False, **card: Any
    ) -> Any:
        file = self._folder / f"{len(list(self._folder.iterdir()))}.html"
        rules: dict[str, Any] = {"block": block, "secrets": secrets}
        self.facts = write_page(file, lm, card=card, name=name, version="0", progress=Progress(), **rules)
        self.text = file.read_text(encoding="utf-8")
        page = self._context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self.mistakes.append(message.text))
        page.goto(file.as_uri())
        page.wait_for_selector("textarea")
        return page

    def close(self) -> None:
        self._context.close()


def disagreements(page: Any, lm: Any, prompts: list[str] = PROMPTS, offers: Offers | None = None) -> list[Any]:
    wanted = [completed(lm, prompt, offers) for prompt in prompts]
    return page.evaluate("(contexts) => document.elman.check(contexts)", wanted)
