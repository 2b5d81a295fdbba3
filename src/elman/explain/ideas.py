"""The pages of ideas, as opposed to cells."""

from elman.explain.topic import Topic

NGRAM = Topic(
    name="ngram",
    title="predicting a word from the n - 1 before it",
    says="Count how often each word followed each context of n - 1 words, and divide. It is fast, exact and hard to "
    "beat on little text; but most long contexts of new text were never seen, and each further order multiplies "
    "what has to be kept.",
    shows="""\
p(w | u) = c(u w) / c(u)                u: the n - 1 words before

text     the cat sat . the cat ran . the dog sat .
n = 2    p(cat | the) = 2/3             p(sat | cat) = 1/2
         p(ran | dog) = 0/1             so unseen pairs need smoothing

order    contexts (V words)             what the table of elman train shows:
1        1                              how many n-grams a text really has,
2        V                              what each order brings on new text
3        V^2""",
    papers=(
        "Shannon 1948, A mathematical theory of communication",
        "Jurafsky, Martin 2000, Speech and language processing",
    ),
    see=("elman train my.txt --model ngram --order 5 --out words", "elman complete words 'the cat'"),
)

KNESER_NEY = Topic(
    name="kneser-ney",
    title="smoothing by how many contexts a word has",
    says="Take a discount d from each count that was seen, and give what was taken to the next shorter context. "
    "There a word counts by how many different words it was seen after: 'Francisco' is frequent, but only after "
    "'San'. The modified form has a discount of its own for counts of 1, of 2, and of 3 or more.",
    shows="""\
p(w | u) = max(c(u w) - d(c), 0) / c(u .)  +  b(u) p(w | u')
                                          u': u without its oldest word
c   counts at the highest order; below it, and but for contexts that
    begin a sentence, the number of different words before the n-gram
b   what the discounts took: (d1 N1 + d2 N2 + d3 N3) / c(u .)
    Nk: how many words followed u k times (N3: three times or more)

n1..n4: how many n-grams have the count 1..4      Y = n1 / (n1 + 2 n2)
d1 = 1 - 2 Y n2 / n1     d2 = 2 - 3 Y n3 / n2     d3 = 3 - 4 Y n4 / n3

n1 = 80, n2 = 20, n3 = 9, n4 = 5:   Y = 0.667, d1 = 0.667, d2 = 1.1,
                                    d3 = 1.519""",
    papers=(
        "Kneser, Ney 1995, Improved backing-off for m-gram language modeling",
        "Chen, Goodman 1998, An empirical study of smoothing techniques for language modeling",
    ),
    see=("elman train my.txt --model ngram --order 5 --out words", "elman info words"),
)

BPTT = Topic(
    name="bptt",
    title="backpropagation through time",
    says="Unroll the network: one copy of the cell for each token, all with the same weights. Run it forward, then "
    "send the gradient backward through the copies; a weight's gradient is the sum over all of them. Truncated: a "
    "text is cut into chunks, the state is carried from one to the next, the gradient is not.",
    shows="""\
loss          l1        l2        l3   ┊    l4
               ▲         ▲         ▲   ┊     ▲
h0 ─────────▶ h1 ─────▶ h2 ─────▶ h3 ──┊──▶ h4      state: carried on
               ▲         ▲         ▲   ┊     ▲
              x1        x2        x3   ┊    x4      gradient: stops at ┊

dl/dh_t  = dl_t/dh_t + (dh_t+1/dh_t)' dl/dh_t+1    from the last to the first
dl/dW    = sum over t of (dh_t/dW)' dl/dh_t        the same W in each copy

For h_t = tanh(W x_t + U h_t-1 + b):
dh_t+1/dh_t = diag(1 - h_t+1^2) U                   one factor for each step""",
    papers=(
        "Rumelhart, Hinton, Williams 1986, Learning representations by back-propagating errors",
        "Werbos 1990, Backpropagation through time: what it does and how to do it",
        "Williams, Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories",
    ),
    see=("elman train my.txt --model rnn --bptt 35 --minutes 2 --out net", "elman xray net --out net-xray"),
)

VANISHING = Topic(
    name="vanishing",
    title="vanishing and exploding gradients",
    says="The gradient k tokens back is a product of k factors. If they shrink a vector, it is gone after some "
    "steps, and what lies there cannot be learned from; if they stretch it, one update throws the weights away. "
    "Gates keep a way on which the factor is near 1.",
    shows="""\
dh_t/dh_t-k = product over k steps of diag(1 - h^2) U        (plain RNN)
dc_t/dc_t-k = product over k steps of f, and what comes by h (LSTM)

share left   factor    k = 10     k = 50     k = 100
             0.9       0.35       0.0052     2.7e-05
             0.99      0.90       0.61       0.37
             1.1       2.6        117        13781

what helps   clipping the gradient's norm    against exploding
             gates that start open           elman train --forget-bias 50
             attention, skips, scans         shorter ways back""",
    papers=(
        "Bengio, Simard, Frasconi 1994, Learning long-term dependencies with gradient descent is difficult",
        "Hochreiter, Schmidhuber 1997, Long short-term memory",
        "Pascanu, Mikolov, Bengio 2013, On the difficulty of training recurrent neural networks",
    ),
    see=("elman xray net --out net-xray", "elman xray --task adding --lags 5,10,20,40"),
)

EMBEDDING = Topic(
    name="embedding",
    title="a vector for each word",
    says="A table with one row of E numbers for each of V types. Looking a row up is the product of a one-hot "
    "vector and the table, and it learns like any weights: words used alike come to lie near each other. Tied: the "
    "same table, turned, is the output layer, which saves V E weights.",
    shows="""\
x_t = C[w_t]                  C [V, E], x [E]
    = onehot(w_t) C           the same, written as a product

     w = 2     onehot  0 0 1 0        C  .1 .5    row 0
                                         .7 .2        1
                                  ──▶    .3 .9        2     x = .3 .9
                                         .4 .0        3

tied   logits = C h + b       h [E]: the last layer has size E""",
    papers=(
        "Bengio, Ducharme, Vincent, Jauvin 2003, A neural probabilistic language model",
        "Press, Wolf 2017, Using the output embedding to improve language models",
        "Inan, Khosravi, Socher 2017, Tying word vectors and word classifiers: a loss framework for language modeling",
    ),
    see=(
        "elman train my.txt --no-tied --minutes 2 --out net",
        "elman train my.txt --input one-hot --no-tied --out net",
    ),
)

SOFTMAX = Topic(
    name="softmax",
    title="scores into probabilities, and what to do when there are many",
    says="The exponential of each score, divided by the sum of all: positive, and 1 in all. The sum runs over all V "
    "types, which is the largest part of the work when V is large.",
    shows="""\
p_i  = exp(s_i) / sum_j exp(s_j)          s = W h + b, W [V, H]
loss = log sum_j exp(s_j) - s_target   nats;   dloss/ds = p - onehot(target)

s =  2     1     0        p =  0.665  0.245  0.090

full       all types alike                       V H products a token
adaptive   frequent types in a head; rare ones   most tokens pay for
           in clusters with smaller vectors,     the head only; exact
           whose share the head predicts
sampled    training compares the target with     k H products; in use
           k types drawn by frequency            the full softmax""",
    papers=(
        "Bengio, Ducharme, Vincent, Jauvin 2003, A neural probabilistic language model",
        "Jean, Cho, Memisevic, Bengio 2015, On using very large target vocabulary for neural machine translation",
        "Grave, Joulin, Cissé, Grangier, Jégou 2017, Efficient softmax approximation for GPUs",
    ),
    see=(
        "elman train my.txt --softmax adaptive --minutes 2 --out net",
        "elman train my.txt --softmax sampled --minutes 2 --out net",
    ),
)

PERPLEXITY = Topic(
    name="perplexity",
    title="how surprised a model is by a text",
    says="The average surprise of a token, as a number of equally likely choices. It depends on what a token is, so "
    "it compares models with the same tokens only; bits per byte count the same text for all.",
    shows="""\
surprise       = -log p(token | all before)            nats
perplexity     = exp(sum of surprises / tokens)
bits per byte  = sum of surprises / (ln 2 * bytes)

p of 4 tokens    1/2   1/4   1/8   1/8      text of 16 bytes
bits             1     2     3     3        9 bits in all
perplexity       2^(9/4) = 4.76             bits per byte  9/16 = 0.5625

counted     every token, the first one too, and each line's end </s>
unknown     as <unk> in perplexity; spelled out in bits per byte
context     carry | document | independent: what is known at a line's start""",
    papers=(
        "Shannon 1951, Prediction and entropy of printed English",
        "Jelinek, Mercer, Bahl, Baker 1977, Perplexity: a measure of the difficulty of speech recognition tasks",
    ),
    see=("elman evaluate net new.txt", "elman score net new.txt --per-token"),
)

BEAM = Topic(
    name="beam",
    title="the likeliest phrase, not the likeliest word again and again",
    says="Keep the k best beginnings, extend each by every word, keep the k best of all that. The likeliest first "
    "word need not begin the likeliest phrase; with k = 1 it is greedy, with k large enough it finds the best.",
    shows="""\
        ┌─ the 0.6 ─┬─ cat  0.3    0.18
        │           └─ dog  0.3    0.18
start ──┤
        │           ┌─ bird 0.9    0.36   the likeliest phrase
        └─ a   0.4 ─┴─ cat  0.1    0.04

k = 1   the, then cat or dog: 0.18        k = 2   a bird: 0.36

score of a beginning = sum of log p of its words""",
    remarks=("Beginnings that leave a model in the same state, as n-grams do, are merged.",),
    papers=("Lowerre 1976, The HARPY speech recognition system",),
    see=("elman complete net 'the cat' --phrase",),
)

CACHE = Topic(
    name="cache",
    title="what was said a moment ago is said again",
    says="Remember the hidden vector before each of the last words, and the word. When a vector like one of them "
    "comes up again, its word becomes likelier. Nothing is trained; the few numbers are fitted on text that is not "
    "the test text.",
    shows="""\
p_cache(w) ~ sum over i with w_i = w of exp(theta h . h_i - recency age_i)
p(w)       = (1 - lambda) p_model(w) + lambda p_cache(w)

h_i        the model's last vector before the word w_i
theta      how alike two vectors must be; 0: a cache of words alone
age_i      how many tokens ago; without recency in the paper of 2017
lambda     the cache's share""",
    papers=(
        "Kuhn, De Mori 1990, A cache-based natural language model for speech recognition",
        "Grave, Joulin, Usunier 2017, Improving neural language models with a continuous cache",
    ),
    see=("elman evaluate net new.txt --cache --tune valid.txt",),
)

IDEAS = (
    BPTT, VANISHING, NGRAM, KNESER_NEY, EMBEDDING, SOFTMAX, PERPLEXITY, BEAM, CACHE,
)  # fmt: skip
