"""Pictures of shapes with exact captions: a small task of captions.

    python examples/shapes.py shapes [PICTURES]
    elman train shapes/train.jsonl --valid shapes/valid.jsonl --task caption --minutes 4 --out model
    elman evaluate model shapes/new.jsonl
    elman evaluate model shapes/unseen.jsonl
    elman predict model shapes/new-0.png --attention looked.png

Scenes are one shape somewhere ("a red circle at the top left"), several alike ("three blue
squares") or two that differ ("a red circle left of a green cross", "... above ..."), 6000 by
default, a twelfth of it for each other part:

    train, valid   captions of the same kinds
    new            captions that no picture of train or valid has, of coloured shapes that some have
    unseen         captions with a coloured shape that no picture of train or valid has, such as a red cross
"""

import itertools
import json
import random
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

COLOURS = {
    "red": (205, 40, 40), "green": (40, 150, 60), "blue": (40, 70, 200), "yellow": (230, 195, 30),
    "purple": (140, 50, 160), "black": (30, 30, 30),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "cross")
COUNTS = {"two": 2, "three": 3, "four": 4}
PLACES = {
    "top left": (13, 13), "top": (32, 13), "top right": (51, 13), "left": (13, 32), "centre": (32, 32),
    "right": (51, 32), "bottom left": (13, 51), "bottom": (32, 51), "bottom right": (51, 51),
}  # fmt: skip
UNSEEN = {("red", "cross"), ("green", "circle"), ("blue", "triangle"), ("yellow", "square")}
"""Coloured shapes of the part ``unseen`` alone."""
SIZE = 64
_FINER = 4


class Thing(NamedTuple):
    """A coloured shape."""

    colour: str
    shape: str

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


class Scene(NamedTuple):
    """What a picture shows: the kind of its caption, things, and how many or where."""

    kind: str
    things: tuple[Thing, ...]
    how: str

    @property
    def caption(self) -> str:
        first, last = self.things[0], self.things[-1]
        if self.kind == "one":
            return f"a {first} at the {self.how}"
        if self.kind == "many":
            return f"{self.how} {first}{'es' if first.shape == 'cross' else 's'}"
        return f"a {first} {self.how} a {last}"


THINGS = [Thing(*each) for each in itertools.product(COLOURS, SHAPES)]
SCENES = [
    *(Scene("one", (thing,), place) for thing in THINGS for place in PLACES),
    *(Scene("many", (thing,), count) for thing in THINGS for count in COUNTS),
    *(Scene("two", pair, how) for pair in itertools.permutations(THINGS, 2) for how in ("left of", "above")),
]


def parts_of_scenes(draw: random.Random) -> dict[str, list[Scene]]:
    """The scenes of each part; a fifth of those of known things is only in ``new``."""
    known = [scene for scene in SCENES if not UNSEEN & {*scene.things}]
    new = {scene for kind in ("one", "many", "two") for scene in _fifth([s for s in known if s.kind == kind], draw)}
    train = [scene for scene in known if scene not in new]
    unseen = [scene for scene in SCENES if UNSEEN & {*scene.things}]
    return {"train": train, "valid": train, "new": sorted(new), "unseen": unseen}


def _fifth(scenes: list[Scene], draw: random.Random) -> list[Scene]:
    return draw.sample(scenes, len(scenes) // 5)


def picture(scene: Scene, draw: random.Random) -> Image.Image:
    """A scene, drawn: where exactly, and how large, is random."""
    shade = draw.randint(225, 255)
    image = Image.new("RGB", (SIZE * _FINER, SIZE * _FINER), (shade, shade, shade))
    pen = ImageDraw.Draw(image)
    for thing, (x, y) in zip(_drawn(scene), _places(scene, draw), strict=True):
        _draw(pen, thing, x * _FINER, y * _FINER, draw.uniform(6, 8) * _FINER)
    return image.resize((SIZE, SIZE), Image.Resampling.BOX)


def _drawn(scene: Scene) -> tuple[Thing, ...]:
    return scene.things * COUNTS[scene.how] if scene.kind == "many" else scene.things


def _places(scene: Scene, draw: random.Random) -> list[tuple[float, float]]:
    """The centre of each thing; none overlap."""
    if scene.kind == "one":
        x, y = PLACES[scene.how]
        return [(x + draw.uniform(-4, 4), y + draw.uniform(-4, 4))]
    if scene.kind == "many":
        places: list[tuple[float, float]] = []
        while len(places) < COUNTS[scene.how]:
            x, y = draw.uniform(10, SIZE - 10), draw.uniform(10, SIZE - 10)
            if all(abs(x - one) + abs(y - other) > 24 for one, other in places):
                places.append((x, y))
            elif draw.random() < 0.02:
                places.clear()
        return places
    near, far, across = draw.uniform(10, 22), draw.uniform(42, 54), draw.uniform(12, SIZE - 12)
    second = across + draw.uniform(-8, 8)
    if scene.how == "left of":
        return [(near, across), (far, min(max(second, 10), SIZE - 10))]
    return [(across, near), (min(max(second, 10), SIZE - 10), far)]


def _draw(pen: ImageDraw.ImageDraw, thing: Thing, x: float, y: float, size: float) -> None:
    colour, arm = COLOURS[thing.colour], 0.35 * size
    if thing.shape == "circle":
        pen.ellipse((x - size, y - size, x + size, y + size), fill=colour)
    elif thing.shape == "square":
        side = 0.88 * size
        pen.rectangle((x - side, y - side, x + side, y + side), fill=colour)
    elif thing.shape == "triangle":
        pen.polygon([(x, y - size), (x + size, y + 0.8 * size), (x - size, y + 0.8 * size)], fill=colour)
    else:
        pen.rectangle((x - size, y - arm, x + size, y + arm), fill=colour)
        pen.rectangle((x - arm, y - size, x + arm, y + size), fill=colour)


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 6000
    draw = random.Random(1)
    folder.mkdir(parents=True, exist_ok=True)
    for part, scenes in parts_of_scenes(draw).items():
        lines = []
        for number in range(count if part == "train" else max(1, count // 12)):
            # Kinds are equally frequent, however many captions they have.
            kind = ("one", "many", "two")[number % 3]
            scene = draw.choice([each for each in scenes if each.kind == kind])
            picture(scene, draw).save(folder / f"{part}-{number}.png")
            lines.append(json.dumps({"image": f"{part}-{number}.png", "caption": scene.caption}))
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
        print(f"{folder / part}.jsonl: {len(lines)} pictures")


if __name__ == "__main__":
    main()
