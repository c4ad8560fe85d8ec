"""The name of a decoded JSON object whose content is not known yet: what a client sent, or an event to send."""

from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
