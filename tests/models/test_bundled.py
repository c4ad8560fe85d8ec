"""The bundled facts are those of a catalogue's answer, written by the script that says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from turnout.models import bundled

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import bundled_models  # noqa: E402

OF = "Codex CLI 0.169.0"


def test_the_module_is_what_the_script_makes_of_the_catalogue() -> None:
    made = bundled_models.module(bundled_models.simulated(), bundled.DATED, OF)
    assert made == bundled_models.MODULE.read_text("utf-8")


def test_what_the_script_writes_is_code_that_holds_the_answers_facts(tmp_path: Path) -> None:
    strange = {
        "slug": 'gpt-7-"sol"',
        "display_name": "GPT-7 ünder\n",
        "visibility": "list",
        "minimal_client_version": "0.200.0",
        "supported_reasoning_levels": [{"effort": "high"}],
        "input_modalities": [f"modality-{number}" for number in range(12)],
        "available_in_plans": ["pro"],
    }
    code = bundled_models.module(json.dumps({"models": [strange]}).encode(), "2027-01-01", "a test")
    names: dict[str, object] = {}
    exec(compile(code, "bundled", "exec"), names)
    (facts,) = names["MODELS"]  # type: ignore[misc]
    assert (facts.slug, facts.name) == ('gpt-7-"sol"', "GPT-7 ünder\n")
    assert (facts.efforts, len(facts.modalities), facts.plans) == (("high",), 12, frozenset())
    assert names["DATED"] == "2027-01-01"
    file = tmp_path / "bundled.py"
    file.write_text(code, "utf-8")
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", file], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("content", ["<html>", '{"models": [{"slug": "gpt-7"}]}', '{"models": [{"slug": 7}]}'])
def test_the_script_refuses_what_is_no_catalogue(tmp_path: Path, content: str) -> None:
    file = tmp_path / "answer.json"
    file.write_text(content)
    done = subprocess.run(
        [sys.executable, "tools/bundled_models.py", file], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.returncode, bool(done.stderr)) == (1, True)
