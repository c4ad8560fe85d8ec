"""Presets are data: each is an upstream that can be used as it is, once its blanks are filled in."""

from __future__ import annotations

import msgspec
import pytest

from turnout.config import Config, CustomUpstream
from turnout.settings import SettingsError, presets
from turnout.upstream import build

WANTED = {"azure", "openrouter", "ollama", "llamacpp", "vllm", "lmstudio", "groq", "deepseek"}


def test_those_that_there_are() -> None:
    assert set(presets.presets()) >= WANTED


@pytest.mark.parametrize("name", sorted(presets.presets()))
def test_each_makes_an_upstream(name: str) -> None:
    made = presets.filled(name, dict.fromkeys(presets.named(name).blanks, "acme"))
    settings = msgspec.convert(made, CustomUpstream)
    assert settings.preset == name
    assert build(Config(custom={"box": settings}), {})["box"].name == "box"
    local = settings.base_url.startswith("http://127.0.0.1")
    assert local == (not settings.key), "a server on this machine wants no key, others do"


def test_blanks() -> None:
    made = presets.filled("azure-deployments", {"resource": "acme"})
    assert made["base_url"] == "https://acme.openai.azure.com/openai"
    assert made["path"] == "/deployments/{model}/chat/completions"
    with pytest.raises(SettingsError, match="wants resource: add --set resource=VALUE"):
        presets.filled("azure", {})
    with pytest.raises(SettingsError, match="has no region to fill in"):
        presets.filled("azure", {"resource": "a", "region": "b"})
    with pytest.raises(SettingsError, match="Did you mean ollama"):
        presets.filled("olama", {})
