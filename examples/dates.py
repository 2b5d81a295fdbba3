"""Dates as people write them, beside their form in ISO 8601: a small task of translation.

    python examples/dates.py [PAIRS] [SEED] > dates.tsv
    elman train dates.tsv --task translate --level char --minutes 2 --out dates
    elman predict dates "the third of March 2021"

PAIRS (20000) different lines, each a date of the years 1900 to 2099, a tab, and the same date as
2021-03-03. Seeds give different lines: one for training, another for a test.
"""

import datetime
import random
import sys

ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
            "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}  # fmt: skip
ENDINGS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}

FORMS = (
    "the {ordinal} of {month} {year}", "{month} {day}, {year}", "{day} {month} {year}",
    "{day}{ending} {month} {year}", "the {day}{ending} of {month}, {year}", "{month} {day}{ending}, {year}",
    "{short} {day}, {year}", "{day} {short} {year}", "{day} {short}. {year}", "{weekday}, {day} {month} {year}",
    "{weekday}, {month} {day}, {year}", "{weekday} the {ordinal} of {month} {year}",
    "{month} the {ordinal}, {spoken}", "the {ordinal} of {month}, {spoken}", "{year}, {month} {day}",
    "{day:02}.{number:02}.{year}", "{day}.{number}.{year}", "{year}/{number:02}/{day:02}",
    "{year}{number:02}{day:02}", "{weekday_short} {day} {short} {year}", "{month} {ordinal}, {year}",
    "on the {day}{ending} day of {month} in the year {year}",
)  # fmt: skip


def spelled(number: int) -> str:
    """A number below 100 in words."""
    if number < 20:
        return ONES[number]
    tens, ones = divmod(number, 10)
    return TENS[tens] + (f"-{ONES[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """Its ordinal in words."""
    head, dash, last = spelled(number).rpartition("-")
    return head + dash + ORDINALS.get(last, f"{last}th")


def spoken_year(year: int, rng: random.Random) -> str:
    """A year as it is said."""
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return f"two thousand{f' and {ONES[rest]}' if rest else ''}"
    if rest == 0:
        return f"{spelled(century)} hundred"
    if rest < 10:
        return f"{spelled(century)} {rng.choice(['oh', 'hundred and'])} {ONES[rest]}"
    return f"{spelled(century)} {spelled(rest)}"


def written(date: datetime.date, rng: random.Random) -> str:
    """A date in one of the forms."""
    month, weekday = date.strftime("%B"), date.strftime("%A")
    text = rng.choice(FORMS).format(
        day=date.day, number=date.month, year=date.year, month=month, short=month[:3], weekday=weekday,
        weekday_short=weekday[:3], ordinal=ordinal(date.day), ending=ENDINGS.get(date.day, "th"),
        spoken=spoken_year(date.year, rng),
    )  # fmt: skip
    return rng.choice([text, text, text, text.lower(), text.upper()])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    first, last = (datetime.date(year, 1, 1).toordinal() for year in (1900, 2100))
    seen: dict[str, str] = {}
    while len(seen) < count:
        date = datetime.date.fromordinal(rng.randrange(first, last))
        seen[written(date, rng)] = date.isoformat()
    print("source\ttarget")
    for text, iso in seen.items():
        print(f"{text}\t{iso}")


if __name__ == "__main__":
    main()
