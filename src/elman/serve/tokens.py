"""/tokenize and /detokenize: the tokens of a prompt as /v1/completions reads them, and back."""

from typing import Any

from elman.serve.abilities import ContinuesText
from elman.serve.errors import Problem
from elman.serve.prompts import check_ids, prompt_from_text
from elman.serve.request_context import RequestContext
from elman.serve.schemas import DetokenizeBody, TokenizeBody


def tokenize_answer(body: TokenizeBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The tokens of a text.

    Raises:
        Problem: no text was sent.
    """
    text = body.content if body.prompt is None else body.prompt
    if text is None:
        raise Problem(422, "prompt is missing; send the text", param="prompt")
    prompt = prompt_from_text(served.model.lm.tokenizer, text)
    return {
        "count": len(prompt.ids),
        "max_model_len": context.limits.max_prompt_tokens,
        "tokens": prompt.ids.tolist(),
        "token_strs": prompt.shown if body.return_token_strs else None,
    }


def detokenize_answer(body: DetokenizeBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The text of tokens.

    Raises:
        Problem: the model has no such token.
    """
    tokenizer = served.model.lm.tokenizer
    check_ids(tokenizer, body.tokens, param="tokens")
    text = tokenizer.decode(body.tokens)
    return {"prompt": text, "content": text}
