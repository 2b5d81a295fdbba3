"""A network as one page: whether it completes as Python does, and how soon a key is answered in the
browser.

    python benchmarks/onefile.py MODEL TEXT [--contexts 200] [--keys 400]

MODEL is the folder of a network of words, TEXT something it has not read. The page is opened from
disk in Chromium; contexts are beginnings of TEXT's lines cut at random places, inside words too.
Keys are those of TEXT, typed one by one; a key's milliseconds go from its event to the moment when
chips and ghost text are drawn. Prediction: a finished word of a network of 7 million weights costs
as many multiplications, at about one a nanosecond: 8 ms. Bars: all contexts alike (the same bits of
all log-probabilities, the same five words in the same order), 20 ms, 8 MB.
"""

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path

import elman
from elman.export.html import completed

_TYPE = """
async (keys) => {
  const field = document.querySelector("textarea"), chips = document.querySelector(".typing-chips"), found = [];
  for (const key of keys) {
    const begin = performance.now();
    const drawn = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
      watch.observe(chips, {childList: true});
      setTimeout(() => { watch.disconnect(); done(null); }, 1000);
    });
    field.setRangeText(key, field.value.length, field.value.length, "end");
    field.dispatchEvent(new Event("input"));
    const end = await drawn;
    if (end !== null) found.push(end - begin);
  }
  return found;
}
"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--contexts", type=int, default=200)
    parser.add_argument("--keys", type=int, default=400)
    options = parser.parse_args()
    draw = random.Random(1)
    lines = [line for line in Path(options.text).read_text(encoding="utf-8").splitlines() if len(line) > 20]
    chosen = draw.sample(lines, options.contexts)
    prompts = [line[: draw.randrange(1, len(line))] for line in chosen]
    model = elman.load(options.model)
    wanted = [completed(model.lm, prompt) for prompt in prompts]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "model.html"
        facts = model.export_html(page_file)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(bypass_csp=True)
        page.goto(page_file.as_uri())
        page.wait_for_selector(".typing-chip")
        wrong = page.evaluate("(contexts) => document.elman.check(contexts)", wanted)
        text = " ".join(draw.sample(lines, 20))[: options.keys]
        seconds = sorted(page.evaluate(_TYPE, list(text)))
        browser.close()
    p95 = seconds[int(0.95 * len(seconds))]
    line = {
        "model": options.model, "megabytes": round(facts["bytes"] / 1e6, 2), "contexts": len(wanted),
        "otherwise": len(wrong), "keys": len(seconds), "p50_ms": round(seconds[len(seconds) // 2], 2),
        "p95_ms": round(p95, 2), "max_ms": round(seconds[-1], 2),
        "holds": not wrong and p95 <= 20 and facts["bytes"] <= 8e6,
    }  # fmt: skip
    print(json.dumps(line))
    for context in wrong[:5]:
        print(json.dumps(context))


if __name__ == "__main__":
    main()
