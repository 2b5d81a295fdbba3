"""The hand-written text of the pages of cells. Equations and drawings are made from the steps in
``elman.cells``.
"""

import dataclasses

from elman.cells.registry import CELLS
from elman.explain.topic import Topic

_XRAY = "elman xray net --out net-xray"
_FENG = "Feng, Tung, Ahmed, Bengio, Hajimirsadeghi 2024, Were RNNs all we needed?"
_BENGIO = "Bengio, Ducharme, Vincent, Jauvin 2003, A neural probabilistic language model"

RNN = Topic(
    name="rnn",
    title="the plain recurrent network (Elman's)",
    says="The hidden state h is all that the network knows of the text so far. Each token is mixed with it by one "
    "matrix each, and squashed. What was read k tokens ago has passed the same matrix k times: it fades or blows up "
    "(elman explain vanishing).",
    papers=(
        "Elman 1990, Finding structure in time",
        "Mikolov, Karafiát, Burget, Černocký, Khudanpur 2010, Recurrent neural network based language model",
    ),
    see=(_XRAY, "elman xray --task recall"),
)

RNN_RELU = Topic(
    name="rnn-relu",
    title="the plain recurrent network with relu",
    says="Elman's network with relu(x) = max(0, x) in place of tanh. It does not squash, so whether it forgets or "
    "explodes depends on W_hh alone.",
    papers=("Le, Jaitly, Hinton 2015, A simple way to initialize recurrent networks of rectified linear units",),
    see=("elman explain rnn", _XRAY),
)

LSTM = Topic(
    name="lstm",
    title="long short-term memory",
    says="A second state, the cell c, is changed only by keeping a share f of it and adding i times a candidate g. "
    "Where f is near 1, c and its gradient stay for many steps. The gate o says how much of it is shown as h.",
    meanings={
        "i": "input gate",
        "f": "forget gate: 1 keeps",
        "g": "candidate",
        "o": "output gate",
        "c": "the cell",
        "h": "what is shown of it",
    },
    remarks=(
        "The forget gate came later than the cell: the network of 1997 kept all of c.",
        "--forget-bias LAG starts f near 1, for a memory of up to LAG tokens.",
    ),
    papers=(
        "Hochreiter, Schmidhuber 1997, Long short-term memory",
        "Gers, Schmidhuber, Cummins 2000, Learning to forget: continual prediction with LSTM",
    ),
    see=(_XRAY, "elman xray --task adding"),
)

GRU = Topic(
    name="gru",
    title="the gated recurrent unit",
    says="One state, h, and one gate z that both keeps the old and lets in the new: where z is 1, the old state "
    "stays. The gate r says how much of the old state the new value n may see.",
    meanings={"r": "reset gate", "z": "update gate: 1 keeps the old", "n": "new value"},
    remarks=(
        "Papers differ on which side z keeps; here, as in PyTorch, z keeps the old state.",
        "r multiplies after the product with W_hn (PyTorch and cuDNN), where the paper multiplies before.",
    ),
    papers=(
        "Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio 2014, Learning phrase representations "
        "using RNN encoder-decoder for statistical machine translation",
        "Chung, Gulcehre, Cho, Bengio 2014, Empirical evaluation of gated recurrent neural networks on sequence "
        "modeling",
    ),
    see=(_XRAY, "elman xray --task recall"),
)

MINGRU = Topic(
    name="mingru",
    title="the minimal GRU",
    says="The gate z and the value v see only the input, so all of them are computed at once; what is left of the "
    "recurrence is h = a h + b, which a scan does for a whole chunk. Where z is 1, the new value replaces the old "
    "state: the other side than the GRU's.",
    meanings={"z": "update gate: 1 replaces the old", "v": "value"},
    remarks=("The values are linear here, where the paper makes them positive.",),
    papers=(_FENG,),
    see=(_XRAY,),
)

MINLSTM = Topic(
    name="minlstm",
    title="the minimal LSTM",
    says="Gates and value see only the input, as in the minimal GRU; a gate for keeping and one for letting in are "
    "scaled so that their shares sum to 1. There is no separate cell.",
    meanings={"i": "input gate", "f": "forget gate: 1 keeps", "v": "value", "s": "what both are divided by"},
    remarks=("The values are linear here, where the paper makes them positive.",),
    papers=(_FENG,),
    see=(_XRAY,),
)

RGLRU = Topic(
    name="rglru",
    title="the real-gated linear recurrent unit, in its block",
    says="A linear recurrence whose decay a depends on the input: each unit keeps between 0 and 1 of its state, and "
    "what is added is scaled so that the state's size stays the same. Before it, a short convolution; after it, a "
    "gate.",
    meanings={
        "branch": "what recurs",
        "p": "what gates the output",
        "u": "a convolution of the branch",
        "r": "how much to decay",
        "i": "input gate",
        "log_a": "never above 0",
        "a": "share that is kept",
        "y": "the layer's output",
        "tail": "the last three of the branch",
    },
    remarks=("The matrices W_r and W_i are full here, where the paper's are in blocks.",),
    papers=(
        "De et al. 2024, Griffin: mixing gated linear recurrences with local attention for efficient language models",
    ),
    see=(_XRAY,),
)

FEED_FORWARD = Topic(
    name="feed-forward",
    title="the first neural language model: a window of words",
    says="The embeddings of the last words, side by side, go through one layer of tanh. Words that are alike share "
    "what is learned, which an n-gram cannot do; but what is older than the window is not seen.",
    meanings={"seen": "the last words, the newest at the end", "y": "the layer's output"},
    remarks=(
        "W_direct leads round the hidden units; it starts at zero, and --no-skip leaves it out. --window says how many "
        "words are seen (4).",
    ),
    papers=(_BENGIO,),
    see=("elman explain ngram", "elman explain embedding"),
)

CONV = Topic(
    name="conv",
    title="causal convolutions with gates",
    says="Each layer mixes the last k of what is below, the same weights at every place, and a gate says what "
    "passes. L layers see L (k - 1) + 1 tokens, all places at once; what is older is not seen.",
    meanings={"seen": "the last k of what is below", "g": "the gate, before it is squashed", "y": "the layer's output"},
    shows="""\
y3       o       o       o       o        k = 2: each sees itself
               ╱ │     ╱ │     ╱ │        and the one before
y2       o       o       o       o
               ╱ │     ╱ │     ╱ │        2 layers: 3 tokens
x        x1      x2      x3      x4""",
    remarks=("The output normalises the last y once more. --window is k (4).",),
    papers=("Dauphin, Fan, Auli, Grangier 2017, Language modeling with gated convolutional networks",),
    see=("elman explain feed-forward", "elman explain rglru"),
)

TRANSFORMER = Topic(
    name="transformer",
    title="attention to what was read",
    says="Instead of a state that is overwritten, what was read stays there, and each token asks: its query is "
    "compared with the key of each earlier token, and the values are averaged by how well they fit. Nothing has to "
    "survive many steps; but the work of each token grows with how far back it looks, so here that ends: a layer "
    "sees the last 64 tokens (--window).",
    meanings={
        "q1": "the query, in two halves",
        "k1": "the key, in two halves",
        "first": "all keys of the window",
        "v": "the value",
        "values": "all values of the window",
        "scores": "how well each key fits",
        "unread": "keys from before the text began",
        "shares": "how much of each value",
        "z": "after attention",
        "gate": "how much of up passes",
        "y": "the layer's output",
        "read": "how many were read, at most 63",
    },
    remarks=(
        "One head is shown; several look side by side, each with a part of the query. cos and sin turn each key by an "
        "angle that grows with its lag, the number of tokens since it was read; they also divide by the root of the "
        "query's size.",
    ),
    papers=(
        "Vaswani et al. 2017, Attention is all you need",
        "Su et al. 2021, RoFormer: enhanced transformer with rotary position embedding",
        "Shazeer 2020, GLU variants improve Transformer",
    ),
    see=("elman explain vanishing", "elman compare my.txt --minutes 1"),
)

_WRITTEN = {
    topic.name: topic
    for topic in (RNN, RNN_RELU, LSTM, GRU, MINGRU, MINLSTM, RGLRU, FEED_FORWARD, CONV, TRANSFORMER)
}  # fmt: skip


def cell_topics() -> list[Topic]:
    """A page for every registered cell; cells without text here use their own sentence."""
    return [
        dataclasses.replace(_WRITTEN.get(name, Topic(name=name, says=cell.says)), cell=cell)
        for name, cell in CELLS.items()
    ]
