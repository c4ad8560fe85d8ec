"""Would a test fail if this line were gone? Changes the translators one place at a time and runs their tests.

    python tools/mutants.py [--sample 120] [--seed 1] [--module tools]

Works on a copy of the checkout in a temporary folder. A mutant removes a statement, turns a condition round, or leaves
out one entry of a table. Prints each survivor and the score: the share of mutants that a test noticed.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRANSLATE = Path("src/turnout/translate")
SLOW = ("test_fuzz.py", "test_schema_properties.py", "test_schema_properties_long.py")
SECONDS = 240
"""A mutant whose tests take longer hangs, which counts as noticed."""


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was done, and the changed source, for every place in `source`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            test = node.test
            node.test = ast.UnaryOp(ast.Not(), test)
            yield node.lineno, "condition turned round", ast.unparse(ast.fix_missing_locations(tree))
            node.test = test
        if isinstance(node, ast.Dict) and len(node.keys) > 1 and not _typed(node):
            for index in range(len(node.keys)):
                keys, values = node.keys, node.values
                node.keys, node.values = _without(keys, index), _without(values, index)
                yield values[index].lineno, "entry left out", ast.unparse(ast.fix_missing_locations(tree))
                node.keys, node.values = keys, values
        if not isinstance(node, ast.FunctionDef):
            continue
        for inner in ast.walk(node):
            for name in ("body", "orelse"):
                block = getattr(inner, name, None)
                if not isinstance(block, list):
                    continue
                for index, statement in enumerate(block):
                    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                        continue  # a docstring
                    if isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign | ast.If | ast.Return | ast.Raise):
                        block[index] = ast.copy_location(ast.Pass(), statement)
                        yield statement.lineno, "statement removed", ast.unparse(ast.fix_missing_locations(tree))
                        block[index] = statement


def _typed(node: ast.Dict) -> bool:
    return any(key is None for key in node.keys)


def _without(items: list, index: int) -> list:  # type: ignore[type-arg]
    return [item for place, item in enumerate(items) if place != index]


def noticed(copy: Path, module: str) -> bool:
    """Whether a test fails: first the module's own ones, then all of the translators'."""
    own = copy / "tests/translate" / f"test_{module}.py"
    ignored = [f"--ignore=tests/translate/{name}" for name in SLOW]
    runs = ([[str(own)]] if own.exists() else []) + [["tests/translate", "tests/protocol", *ignored]]
    for paths in runs:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *paths]
        environment = {"PYTHONPATH": str(copy / "src"), "PATH": "/usr/bin:/bin", "HOME": str(copy)}
        try:
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return True
        if done.returncode:
            return True
    return False


def main() -> None:
    """Runs the sample and prints what survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=120, help="how many mutants (default 120)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", help="one module of translate/ (default: all)")
    options = parser.parse_args()
    files = sorted((ROOT / TRANSLATE).glob(f"{options.module or '*'}.py"))
    places = [(path, *mutant) for path in files for mutant in mutants(path.read_text())]
    chosen = random.Random(options.seed).sample(places, min(options.sample, len(places)))
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "bench", "node_modules", "__pycache__")
        )
        for number, (path, line, what, source) in enumerate(chosen, 1):
            target = copy / path.relative_to(ROOT)
            original = target.read_text()
            target.write_text(source)
            found = noticed(copy, path.stem)
            target.write_text(original)
            killed += found
            if not found:
                print(f"survived: {path.name}:{line} {what}", flush=True)
            print(f"{number}/{len(chosen)}, {killed} noticed", end="\r", file=sys.stderr, flush=True)
    print(f"{killed} of {len(chosen)} noticed: {killed / len(chosen):.0%} ({len(places)} places in all)")


if __name__ == "__main__":
    main()
