"""A league whose teams get stronger and weaker with the years, and how well its results can be
predicted at all.

    python examples/league.py league.csv
    elman train league.csv --task outcome --time date --outcomes "home win,draw,away win" \
        --entities home_team,away_team --out league

Twelve teams play each other at home and away in each of 20 years. Each team has a strength that
nobody sees and that moves a little at random from round to round. The script prints the log loss of
the true probabilities on the last tenth of the matches: no model can do better, except by luck.
"""

import csv
import datetime
import math
import random
import sys

TEAMS: tuple[str, ...] = (
    "Arden",
    "Brook",
    "Corrin",
    "Dale",
    "Elm",
    "Fenwick",
    "Glen",
    "Hurst",
    "Ivy",
    "Kirk",
    "Loch",
    "Marsh",
)
YEARS, HOME, DRAW, DRIFT = 20, 0.35, 0.55, 0.12


def chances(difference: float) -> tuple[float, float, float]:
    """How likely a home win, a draw and an away win are, by the difference of strengths."""
    home, away = (1 / (1 + math.exp(DRAW - sign * (difference + HOME))) for sign in (1, -1))
    return home, 1 - home - away, away


def main() -> None:
    chance, strength = random.Random(1), {team: 0.0 for team in TEAMS}
    rows, nats = list[tuple[str, ...]](), list[float]()
    for year in range(YEARS):
        teams, day = list(TEAMS), datetime.date(2000 + year, 8, 1)
        chance.shuffle(teams)
        for number in range(2 * (len(teams) - 1)):
            for team in teams:
                strength[team] = 0.99 * strength[team] + chance.gauss(0, DRIFT)
            for pair in zip(teams[: len(teams) // 2], reversed(teams), strict=False):
                home, away = pair[:: 1 if number % 2 else -1]
                likely = chances(strength[home] - strength[away])
                result = chance.choices(range(3), likely)[0]
                rows.append((day.isoformat(), home, away, ("home win", "draw", "away win")[result]))
                nats.append(-math.log(likely[result]))
            teams = [teams[0], teams[-1], *teams[1:-1]]  # all but the first move on by one seat
            day += datetime.timedelta(days=7)
    with open(sys.argv[1], "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("date", "home_team", "away_team", "outcome"), *rows])
    last = nats[-len(nats) // 10 :]
    floor = sum(last) / len(last)
    print(f"{len(rows):,} matches; log loss of the true probabilities on the last {len(last)}: {floor:.3f}")


if __name__ == "__main__":
    main()
