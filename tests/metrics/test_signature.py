from elman.metrics.signature import signature


def test_signature_is_exact() -> None:
    assert signature(model="ngram", data="abc", context="carry") == "model:ngram|data:abc|context:carry"
