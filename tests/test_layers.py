"""Imports go down only: every import statement of every file is parsed, those inside functions too.

The floors and the parser stand in docs/rooms.py, which the picture of the rooms is drawn from as
well.
"""

import ast
from pathlib import Path

import elman
from rooms import FLOORS, PACKAGE, ROOT, import_statements, imports, modules, room

TORCH = {
    "nn", "training", "tasks", "system/machine.py", "models/neural.py", "models/encoder.py", "models/classifier.py",
    "models/tagger.py", "models/token_encoder.py", "models/stored_weights.py", "models/outcome.py", "models/reader.py",
    "models/dual_encoder.py", "models/decoder.py", "models/translator.py", "models/captioner.py",
    "models/forecaster.py", "models/dynamic.py", "models/parameter_vector.py",
    "studies/doctor.py", "studies/xray.py",
    "studies/xray_gates.py", "studies/xray_training.py", "studies/xray_words.py",
}  # fmt: skip
"""What may import torch; the learner and the doctor only inside functions or because torch trained
what they read, and the x-ray because it looks into what torch computes."""


MODULES = modules()


def test_every_file_has_a_floor() -> None:
    assert {room(module) for module in MODULES} <= set(FLOORS)


def test_imports_go_down() -> None:
    wrong = []
    for module, path in sorted(MODULES.items()):
        for target in imports(path, set(MODULES)):
            if target == "elman":
                target = "elman.__init__"
            here, there = FLOORS[room(module)], FLOORS[room(target)]
            same_room = room(module) == room(target) or here == there == 0 or {room(module), room(target)} == ROOT
            if not (there < here or same_room):
                wrong.append(f"{module} (floor {here}) imports {target} (floor {there})")
    assert wrong == []


def test_training_and_decoding_never_meet() -> None:
    assert FLOORS["training"] == FLOORS["decode"]  # so that the floor test forbids both directions


def test_no_circles() -> None:
    graph = {module: imports(path, set(MODULES)) & set(MODULES) for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"circle: {' -> '.join([*above, module])}"
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_torch_stays_where_it_belongs() -> None:
    for module, path in MODULES.items():
        relative = path.relative_to(PACKAGE).as_posix()
        names = {
            (name or "").split(".")[0]
            for node in import_statements(path)
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
        }
        if "torch" in names:
            assert relative in TORCH or relative.split("/")[0] in TORCH, f"{module} imports torch"


def test_what_is_imported_from_elman_is_there() -> None:
    """Type checkers believe any name, for ``elman`` finds its names when they are asked for."""
    for module, path in MODULES.items():
        for node in import_statements(path):
            if isinstance(node, ast.ImportFrom) and node.module == "elman":
                for alias in node.names:
                    assert f"elman.{alias.name}" in MODULES or alias.name in elman.__all__, f"{module}: {alias.name}"


def test_the_check_bites(tmp_path: Path) -> None:
    culprit = tmp_path / "tokenizer.py"
    culprit.write_text("def late():\n    from elman.models.neural import NeuralModel\n")
    assert imports(culprit, set(MODULES)) == {"elman.models.neural"}
    assert FLOORS[room("elman.models.neural")] > FLOORS["text"]
