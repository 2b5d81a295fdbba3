"""Stories whose last word depends on one far before it: "I grew up in Poland ... so I speak fluent
Polish".

    python examples/stories.py [LINES] [LONGEST] > stories.txt

One story a line. Between the country and "so" stand 0 to LONGEST (12) words, other countries among
them, so that no n-gram sees both ends, and a model that looks for just any country goes wrong.
"""

import sys

from elman.studies.xray_tasks import agreement_text


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    longest = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    print(agreement_text(lines, lags=(0, longest), seed=1), end="")


if __name__ == "__main__":
    main()
