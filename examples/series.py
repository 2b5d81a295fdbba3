"""Two series of days: a shop whose sales follow the weekday and the year, and a price that walks at
random.

python examples/series.py shop.csv price.csv
elman train shop.csv --task forecast --horizon 14 --out shop
elman train price.csv --task forecast --horizon 1 --out price
"""

import argparse
import csv
import math
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

DAYS = 1096
WEEK = (1.3, 1.6, 0.4, 0.8, 0.9, 1.0, 1.0)
"""What a day of the week sells, from Friday on."""


def shop(rng: random.Random) -> list[float]:
    """Sales: a season within a season, and noise."""
    found = []
    for day in range(DAYS):
        year = 1 + 0.3 * math.cos(2 * math.pi * day / 365.25)
        found.append(100 * WEEK[day % 7] * year * (1 + 0.08 * rng.gauss(0, 1)))
    return found


def price(rng: random.Random) -> list[float]:
    """A price: each change is as likely up as down, whatever came before.

    >>> len(price(random.Random(1)))
    1096
    """
    found = [100.0]
    while len(found) < DAYS:
        found.append(found[-1] * math.exp(0.01 * rng.gauss(0, 1)))
    return found


def write(path: Path, values: Sequence[float]) -> None:
    """A row for each day from the first one of 2021 on, a Friday."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["date", "value"])
        rows.writerows([date(2021, 1, 1) + timedelta(day), f"{value:.2f}"] for day, value in enumerate(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", type=Path)
    parser.add_argument("price", type=Path)
    arguments = parser.parse_args()
    write(arguments.shop, shop(random.Random(1)))
    write(arguments.price, price(random.Random(2)))
    print(f"{DAYS:,} days each")


if __name__ == "__main__":
    main()
