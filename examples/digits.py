"""Handwritten digits from scikit-learn as pictures with captions such as "a seven".

    python examples/digits.py digits
    elman train digits/train.jsonl --task caption --picture-size 8 --patch-size 1x8 --minutes 1 --out model
    elman evaluate model digits/test.jsonl

Pictures have 8 x 8 pixels; with patches of 1 x 8 a network reads them as a sequence of rows. The
last third of the 1797 digits, which others wrote, is for the test.
"""

import json
import sys
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def main() -> None:
    folder, data = Path(sys.argv[1]), load_digits()
    folder.mkdir(parents=True, exist_ok=True)
    first = 2 * len(data.target) // 3
    for part, rows in (("train", range(first)), ("test", range(first, len(data.target)))):
        lines = []
        for row in rows:
            Image.fromarray((data.images[row] * 255 / 16).astype("uint8")).save(folder / f"{row}.png")
            digit = NAMES[data.target[row]]
            lines.append(json.dumps({"image": f"{row}.png", "caption": f"a{'n' * (digit == 'eight')} {digit}"}))
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
        print(f"{folder / part}.jsonl: {len(lines)} pictures")


if __name__ == "__main__":
    main()
