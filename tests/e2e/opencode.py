"""The real opencode, set up for one gateway and cut off from everything else, as a command that runs one prompt.

By default it fetches a list of models, looks for updates, and has npm install what plugins need. All that is switched
off; a proxy that goes nowhere notices whatever asks for another host all the same.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any, Self

from tests.clients import opencode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.gateway import Gateway

_PROVIDERS = {"@ai-sdk/openai": "openai", "@openrouter/ai-sdk-provider": "openrouter"}
"""The names under which opencode makes a provider of its own; others take any."""
_MODEL = {
    "name": "The model",
    "reasoning": True,
    "tool_call": True,
    "limit": {"context": 272_000, "output": 128_000},
}


class Opencode:
    """A user of opencode whose only provider is the gateway; a context manager.

    `package` is the package of the AI SDK that it speaks through: `@ai-sdk/openai` asks at the door of Responses,
    `@ai-sdk/openai-compatible` and `@openrouter/ai-sdk-provider` at that of Chat Completions.
    """

    def __init__(self, folder: Path, gateway: Gateway, *, package: str, model: str) -> None:
        self.work = folder / "project"
        self.work.mkdir(parents=True)
        self._nowhere = socket.create_server(("127.0.0.1", 0))
        self._nowhere.setblocking(False)
        provider = _PROVIDERS.get(package, "turnout")
        settings = {
            "model": f"{provider}/{model}",
            "small_model": f"{provider}/{model}",
            "enabled_providers": [provider],
            "autoupdate": False,
            "share": "disabled",
            "permission": "allow",
            "provider": {
                provider: {
                    "npm": package,
                    "name": "Turnout",
                    "options": {"baseURL": f"{gateway.url}/v1", "apiKey": "{env:TURNOUT_TOKEN}"},
                    "models": {model: _MODEL},
                }
            },
        }
        proxy = f"http://127.0.0.1:{self._nowhere.getsockname()[1]}"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TURNOUT_TOKEN": gateway.token,
            "OPENCODE_CONFIG_CONTENT": json.dumps(settings),
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "npm_config_offline": "true",
            "HTTP_PROXY": proxy,
            "HTTPS_PROXY": proxy,
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._nowhere.close()

    def run(self, prompt: str, *options: str) -> list[dict[str, Any]]:
        """One prompt, with all that its tools do allowed; the events that it tells, thoughts included."""
        done = subprocess.run(
            [opencode(), "run", "--format", "json", "--thinking", *options, prompt],
            env=self._environment,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def asked_elsewhere(self) -> bool:
        """Whether anything has tried to reach a host other than the gateway's."""
        try:
            connection, _ = self._nowhere.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True
