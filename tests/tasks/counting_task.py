"""A task from outside the package: how many ones are in a line of zeros and ones?"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elman.inference.encoder import inference_encoder
from elman.models.encoder import Encoder
from elman.models.registry import Entry, register_kind
from elman.nn.loss import Loss
from elman.tasks.example_task import ExampleTask
from elman.tasks.registry import register_task


class Counter(Encoder):
    def loss(self, data: Any, state: Any, masks: Any = None) -> Loss:
        ids, lengths, counts = map(torch.from_numpy, data)
        return Loss((self.logits(ids, lengths, masks)[:, 0] - counts).square().sum(), len(counts))


class CountTask(ExampleTask):
    name, default_kind = "count", "counter"
    defaults = {"embedding_size": 4, "hidden_size": 8, "rate": 0.02}  # noqa: RUF012

    def read(self, sources, data):
        return (line for source in sources for line in Path(source).read_text().splitlines())

    def fit(self, train):
        return {"scale.json": json.dumps(max(line.count("1") for line in train)).encode()}

    def row(self, example, files):
        return np.array([int(digit) for digit in example], np.int64)

    def target(self, example, files):
        return np.float32(example.count("1") / json.loads(files["scale.json"]))

    def network(self, config, files):
        return Counter(config, vocab_size=2, outputs=1)

    def predictor(self, config, files, arrays):
        return inference_encoder(arrays, config, vocab_size=2, outputs=1, int8=()).logits

    def answer(self, output, files):
        return float(output[0]) * json.loads(files["scale.json"])

    def figures(self, examples, answers):
        return {"error": float(np.mean([abs(a - e.count("1")) for a, e in zip(answers, examples, strict=True)]))}


CONFIG, PLAN = "elman.models.encoder_config:EncoderConfig", "elman.training.plan:Plan"
register_kind("counter", Entry("count", CONFIG, f"{__name__}:Counter", plan=PLAN, files=("scale.json",)))
register_task("count", f"{__name__}:CountTask")
