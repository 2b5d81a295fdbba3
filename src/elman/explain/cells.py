"""The pages of the recurrent cells, in the notation of ``nn/cells.py``."""

from elman.explain.topic import Cell, Line, Topic

_TRAIN = "elman train my.txt --model {} --minutes 2 --out net"
_XRAY = "elman xray net --out net-xray"

RNN = Topic(
    name="rnn",
    title="the plain recurrent network (Elman's)",
    says="The hidden state h is all that the network knows of the text so far. Each token is mixed with it by one "
    "matrix each, and squashed. What was read k tokens ago has passed the same matrix k times: it fades or blows up "
    "(elman explain vanishing).",
    cell=Cell(lines=(Line("h = tanh(W_ih x + b_ih + W_hh h + b_hh)"),), order=("h",)),
    remarks=("rnn-relu has max(0, .) in place of tanh: it does not squash, so it forgets and explodes by W_hh alone.",),
    papers=(
        "Elman 1990, Finding structure in time",
        "Mikolov, Karafiát, Burget, Černocký, Khudanpur 2010, Recurrent neural network based language model",
    ),
    see=(_TRAIN.format("rnn"), _XRAY, "elman xray --task recall"),
)

LSTM = Topic(
    name="lstm",
    title="long short-term memory",
    says="A second state, the cell c, is changed only by keeping a share f of it and adding i times a candidate g. "
    "Where f is near 1, c and its gradient stay for many steps. The gate o says how much of it is shown as h.",
    cell=Cell(
        lines=(
            Line("i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)", "input gate"),
            Line("f = sigmoid(W_if x + b_if + W_hf h + b_hf)", "forget gate: 1 keeps"),
            Line("g = tanh(W_ig x + b_ig + W_hg h + b_hg)", "candidate"),
            Line("o = sigmoid(W_io x + b_io + W_ho h + b_ho)", "output gate"),
            Line("c = f * c + i * g", "the cell"),
            Line("h = o * tanh(c)", "what is shown of it"),
        ),
        state=("h", "c"),
        outputs=("c", "h"),
        order=("c", "f", "i", "g", 4, "o"),
    ),
    remarks=(
        "The forget gate came later than the cell: the network of 1997 kept all of c.",
        "--forget-bias LAG starts f near 1, for a memory of up to LAG tokens.",
    ),
    papers=(
        "Hochreiter, Schmidhuber 1997, Long short-term memory",
        "Gers, Schmidhuber, Cummins 2000, Learning to forget: continual prediction with LSTM",
    ),
    see=(_TRAIN.format("lstm"), _XRAY, "elman xray --task adding"),
)

GRU = Topic(
    name="gru",
    title="the gated recurrent unit",
    says="One state, h, and one gate z that both keeps the old and lets in the new: where z is 1, the old state "
    "stays. The gate r says how much of the old state the new value n may see.",
    cell=Cell(
        lines=(
            Line("r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)", "reset gate"),
            Line("z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)", "update gate: 1 keeps the old"),
            Line("n = tanh(W_in x + b_in + r * (W_hn h + b_hn))", "new value"),
            Line("h = (1 - z) * n + z * h"),
        ),
        order=("h", "z", 3, "W_in", "r", "W_hn"),
    ),
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
    see=(_TRAIN.format("gru"), _XRAY, "elman xray --task recall"),
)

MINGRU = Topic(
    name="mingru",
    title="the minimal GRU",
    says="The gate z and the value v see only the input, so all of them are computed at once; what is left of the "
    "recurrence is h = a h + b, which a scan does for a whole chunk. Where z is 1, the new value replaces the old "
    "state: the other side than the GRU's.",
    cell=Cell(
        lines=(
            Line("z = sigmoid(W_z x + b_z)", "update gate: 1 replaces the old"),
            Line("v = W_v x + b_v", "value"),
            Line("h = (1 - z) * h + z * v"),
        ),
        order=("h", 5, "1−z", "z", 5, "v"),
    ),
    remarks=("The values are linear here, where the paper makes them positive.",),
    papers=("Feng, Tung, Ahmed, Bengio, Hajimirsadeghi 2024, Were RNNs all we needed?",),
    see=(_TRAIN.format("mingru"), _XRAY),
)

MINLSTM = Topic(
    name="minlstm",
    title="the minimal LSTM",
    says="Gates and value see only the input, as in the minimal GRU; a gate for keeping and one for letting in are "
    "scaled so that their shares sum to 1. There is no separate cell.",
    cell=Cell(
        lines=(
            Line("i = sigmoid(W_i x + b_i)", "input gate"),
            Line("f = sigmoid(W_f x + b_f)", "forget gate: 1 keeps"),
            Line("v = W_v x + b_v", "value"),
            Line("s = f + i"),
            Line("h = f / s * h + i / s * v"),
        ),
        order=("h", 6, "f", 10, "i", 4, "v"),
    ),
    remarks=("The values are linear here, where the paper makes them positive.",),
    papers=("Feng, Tung, Ahmed, Bengio, Hajimirsadeghi 2024, Were RNNs all we needed?",),
    see=(_TRAIN.format("minlstm"), _XRAY),
)

RGLRU = Topic(
    name="rglru",
    title="the real-gated linear recurrent unit, in its block",
    says="A linear recurrence whose decay a depends on the input: each unit keeps between 0 and 1 of its state, and "
    "what is added is scaled so that the state's size stays the same. Before it, a short convolution; after it, a "
    "gate.",
    cell=Cell(
        lines=(
            Line("w = W_w x + b_w", "the branch that recurs"),
            Line("p = W_p x + b_p", "the one that gates"),
            Line("u = k1 * w3 + k2 * w2 + k3 * w1 + k4 * w + b_u", "w1..w3: w 1..3 steps ago"),
            Line("r = sigmoid(W_r u + b_r)", "how much to decay"),
            Line("i = sigmoid(W_i u + b_i)", "input gate"),
            Line("a = exp(-8 * softplus(decay) * r)", "share that is kept"),
            Line("h = a * h + sqrt(1 - a^2) * i * u"),
            Line("y = W_y (gelu(p) * h) + b_y", "the layer's output"),
        ),
        state=("h", "w1", "w2", "w3"),
        outputs=("h", "y"),
        order=("h", 22, "w3", 3, "w", 8, "p", "r", 10, "u", 4, "i"),
    ),
    remarks=("The matrices W_r and W_i are full here, where the paper's are in blocks.",),
    papers=(
        "De et al. 2024, Griffin: mixing gated linear recurrences with local attention for efficient language models",
    ),
    see=(_TRAIN.format("rglru"), _XRAY),
)

CELLS = (RNN, LSTM, GRU, MINGRU, MINLSTM, RGLRU)
