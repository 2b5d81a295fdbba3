"""Scores of football matches become rows with an outcome: home win, draw or away win.

    python examples/matches.py results.csv matches.csv --since 1990-01-01
    elman train matches.csv --task outcome --time date --outcomes "home win,draw,away win" \\
        --entities home_team,away_team --test-from 2019-01-01 --out matches

Reads the columns date, home_score and away_score, such as those of the list of international
matches since 1872 (github.com/martj42/international_results); the other columns are copied. Rows
without scores, which are still to be played, keep an empty outcome.
"""

import argparse
import csv
import gzip
from pathlib import Path


def outcome(home: str, away: str) -> str:
    """The outcome of two scores; empty if one of them is no number.

    >>> outcome("2", "1"), outcome("0", "0"), outcome("NA", "")
    ('home win', 'draw', '')
    """
    if not (home.strip().isdecimal() and away.strip().isdecimal()):
        return ""
    difference = int(home) - int(away)
    return "home win" if difference > 0 else "draw" if difference == 0 else "away win"


def main() -> None:
    parser = argparse.ArgumentParser(description="Add the outcome of each match to a table of results.")
    parser.add_argument("results", type=Path, help="CSV with date, home_score and away_score; .gz is unpacked")
    parser.add_argument("matches", type=Path, help="the CSV to write")
    parser.add_argument("--since", default="", help="leave out matches before this date")
    parser.add_argument("--last", type=int, help="keep the last matches only, this many")
    given = parser.parse_args()
    opened = gzip.open if given.results.suffix == ".gz" else open
    with opened(given.results, "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["date"] >= given.since]
    rows.sort(key=lambda row: row["date"])
    rows = rows[-given.last :] if given.last else rows
    for row in rows:
        row["outcome"] = outcome(row["home_score"], row["away_score"])
    with given.matches.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} matches, {sum(not row['outcome'] for row in rows)} of them still open")


if __name__ == "__main__":
    main()
