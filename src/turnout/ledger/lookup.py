"""Finds a record by what a user types: ``last``, a request's id, or the beginning or end of one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.ledger.record import RequestRecord
    from turnout.ledger.store import RecordStore

LAST = "last"
PREFIX = "req_"
SHOWN = 5
"""How many ids are offered in place of one that is not there."""
LOOKED_THROUGH = 500
"""How many of the latest records are compared with an id that is not there."""


class NoRecord(Exception):
    """There is no such record, or more than one."""

    def __init__(self, message: str, candidates: Sequence[RequestRecord] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates
        """Records that may be meant, the likeliest first."""


def find(store: RecordStore, asked: str) -> RequestRecord:
    """The record that is meant. Raises `NoRecord`, and `OSError` if the records cannot be read."""
    name = asked.strip()
    if name in ("", LAST):
        latest = store.latest(1)
        if latest:
            return latest[0]
        raise NoRecord("No request has been recorded yet.")
    whole = name if name.startswith(PREFIX) else PREFIX + name
    # The ids of one gateway begin alike: what tells them apart is the end.
    found = store.matching(whole, SHOWN + 1) or store.matching(name, SHOWN + 1)
    exact = [record for record in found if record.request_id == whole]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if found:
        raise NoRecord(f"The ids of several requests begin or end with {name}.", found[:SHOWN])
    latest = store.latest(LOOKED_THROUGH)
    if not latest:
        raise NoRecord("No request has been recorded yet.")
    raise NoRecord(f"There is no record of {whole}.", _nearest(whole, latest))


def _nearest(name: str, records: Sequence[RequestRecord]) -> list[RequestRecord]:
    """Records with a similar id, and the latest ones behind them."""
    by_id = {record.request_id: record for record in records}
    close = difflib.get_close_matches(name, by_id, n=SHOWN, cutoff=0.75)
    ids = dict.fromkeys((*close, *by_id))
    return [by_id[request_id] for request_id in list(ids)[:SHOWN]]
