"""What the simulator saw: one record for each request, filled in as the request goes on."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from turnout.simulator.jsontypes import JsonObject

LOOK_AGAIN_SECONDS = 0.01


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """One request and what became of it. Times are `time.monotonic()` seconds."""

    number: int
    """From 1, in order of arrival."""
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    received_at: float
    raw: bytes = b""
    """The body as it came, still compressed if it was."""
    body: JsonObject | None = None
    """The decoded body, None if it is no JSON object."""
    body_at: float | None = None
    """When the body was complete."""
    status: int | None = None
    error: bytes | None = None
    """The body of an error answer."""
    fault: str | None = None
    """The name of the fault that struck."""
    first_byte_at: float | None = None
    finished_at: float | None = None
    """When the answer was complete, or was cut by a fault."""
    disconnected_at: float | None = None
    """When the client went away before the answer was complete."""
    events: list[str] = field(default_factory=list)
    """The types of the events sent."""
    output: list[JsonObject] = field(default_factory=list)
    """The finished output items sent."""
    usage: JsonObject | None = None
    """The usage reported at the end."""

    @property
    def done(self) -> bool:
        return self.finished_at is not None or self.disconnected_at is not None

    @property
    def input(self) -> list[JsonObject]:
        """The input items of the body, [] if there are none."""
        found = (self.body or {}).get("input")
        return found if isinstance(found, list) else []


class Recorder:
    """All records so far. Safe to read from other threads, and to wait on."""

    def __init__(self, limit: int) -> None:
        """Keeps the last `limit` records."""
        self._records: deque[RecordedRequest] = deque(maxlen=limit)
        self._count = 0
        self._changed = threading.Condition()

    def begin(self, method: str, path: str, query: str, headers: dict[str, str]) -> RecordedRequest:
        """A new record."""
        with self._changed:
            self._count += 1
            record = RecordedRequest(
                number=self._count,
                method=method,
                path=path,
                query=query,
                headers=headers,
                received_at=time.monotonic(),
            )
            self._records.append(record)
            self._changed.notify_all()
        return record

    def touch(self) -> None:
        """Tell the waiting ones that a record has changed."""
        with self._changed:
            self._changed.notify_all()

    def all(self) -> list[RecordedRequest]:
        """Every record, in order of arrival."""
        with self._changed:
            return list(self._records)

    def clear(self) -> None:
        with self._changed:
            self._records.clear()
            self._count = 0

    def wait_for(self, condition: Callable[[list[RecordedRequest]], bool], timeout: float) -> bool:
        """Wait until the condition holds for the records, at most `timeout` seconds; whether it does."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition(list(self._records)):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # Records change with each event without a notice, which would cost too much: look again soon.
                self._changed.wait(min(left, LOOK_AGAIN_SECONDS))
        return True
