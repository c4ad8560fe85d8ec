"""A keyring that several processes see: entries are files in the folder `$TEST_KEYRING_FOLDER`."""

from __future__ import annotations

import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FolderKeyring(KeyringBackend):
    priority = 1.0  # type: ignore[assignment]

    def _file(self, service: str, username: str) -> Path:
        return Path(os.environ["TEST_KEYRING_FOLDER"]) / f"{service}-{username}.entry"

    def get_password(self, service: str, username: str) -> str | None:
        try:
            return self._file(service, username).read_text()
        except FileNotFoundError:
            return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file(service, username).write_text(password)

    def delete_password(self, service: str, username: str) -> None:
        self._file(service, username).unlink()
