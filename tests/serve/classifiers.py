"""Small text classifiers: a random network and, for each word, what it says for each label."""

from functools import cache
from pathlib import Path

import numpy as np

from elman.data.examples import Example
from elman.data.labels import LabelSet
from elman.inference.encoder import inference_encoder
from elman.models.classifier_config import ClassifierConfig
from elman.storage import folder as model_folder
from elman.tasks.classify.model import TextClassifier, classifier_files
from elman.text.tokenizer import Tokenizer, TokenizerConfig

REVIEW = "The film is lovely, if a little dull at times: a good story, fine actors, and an awful end."
WORDS = {"neg": ("bad", "dull", "awful"), "pos": ("good", "fine", "lovely")}
_SIZE = 8
_SPEAKS = 15.0


@cache
def classifier(*, labels: int = 2, multi_label: bool = False) -> TextClassifier:
    """A classifier of praise and blame; no word speaks for a third label and those after it."""
    rng = np.random.default_rng(1)
    names = ["neg", "pos", *(f"topic {number}" for number in range(2, labels))]
    known = LabelSet.fit(Example("", (name,), "", 0) for name in names)
    words = " ".join(word for some in WORDS.values() for word in some)
    tokenizer = Tokenizer.fit([REVIEW, words], config=TokenizerConfig(min_count=1))
    bag = rng.normal(size=(tokenizer.size + 1, labels)) / 4
    for label, some in WORDS.items():
        for word in some:
            bag[tokenizer.encode(f"a {word}").ids[1], known.id_of(label)] += _SPEAKS
    shapes = {"embedding.weight": (tokenizer.size + 1, _SIZE)}
    shapes |= {"output.weight": (labels, 6 * _SIZE), "output.bias": (labels,)}
    for layer in ("forward.layers.0", "backward.layers.0"):
        shapes |= {f"{layer}.weight_{kind}": (3 * _SIZE, _SIZE) for kind in ("ih", "hh")}
        shapes |= {f"{layer}.bias_{kind}": (3 * _SIZE,) for kind in ("ih", "hh")}
    arrays = {name: rng.normal(size=shape).astype(np.float32) / 2 for name, shape in shapes.items()}
    arrays["output.weight"] /= 5
    arrays["output.bias"] /= 5
    arrays["bag.weight"] = bag.astype(np.float32)
    shape = {"cell": "gru", "embedding_size": _SIZE, "hidden_size": _SIZE, "bag": True}
    config = ClassifierConfig(**shape, multi_label=multi_label, max_tokens=60)
    # Nothing is compiled: the interpreter is quick enough, and a first test does not wait.
    encoder = inference_encoder(
        arrays, config.encoder(), vocab_size=tokenizer.size, outputs=labels, int8=(), patience=1 << 30
    )
    model = TextClassifier(encoder, tokenizer, known, config)
    model.temperature = 1.25
    return model


def write_classifier(folder: Path) -> None:
    """The folder of a classifier."""
    model = classifier()
    model_folder.create(folder)
    files = classifier_files(model.tokenizer, model.label_set, None)
    model_folder.write_static_files(folder, kind="classifier", config=model.config.to_json(), files=files)
    model_folder.write_weights(folder, model.encoder.to_arrays())
