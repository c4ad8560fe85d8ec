"""`turnout explain`: what became of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.ledger.record import RequestRecord

LISTED = 20


@click.command("explain")
@click.argument("request_id", metavar="[ID|last]", default="last")
@click.option("--list", "as_list", is_flag=True, help=f"List the latest {LISTED} requests instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, request_id: str, as_list: bool, as_json: bool) -> int:
    """Show what became of a request: where it went, how long it took, what it cost, what was lost.

    ID is a request's id, or the beginning or end of one; `last` (the default) is the latest request. Every answer
    carries its id in the header `request-id`, every error in its text, and every line of the log.

    On a miss of the prompt cache it says where the prompt changed against the request before: which tool, which
    message, which byte.

    \b
    turnout explain
    turnout explain req_5f0c2a9d41b7e3860000002a
    turnout explain 0000002a --json
    turnout explain --list

    It reads what the gateways of this machine have written down, whether they run or not, and asks none of them. Exit
    code 1: there is no such request.
    """
    from turnout import paths
    from turnout.ledger.lookup import NoRecord, find
    from turnout.ledger.report import report, summary
    from turnout.ledger.store import JsonLinesStore

    store = JsonLinesStore(paths.records_dir())
    if as_list:
        records = store.latest(LISTED)
        if as_json:
            _print_json({"requests": [summary(record) for record in records]})
        elif not records:
            return _complain("No request has been recorded yet.", ())
        else:
            _show_latest(records)
        return 0
    try:
        record = find(store, request_id)
    except NoRecord as error:
        return _complain(str(error), error.candidates)
    if as_json:
        _print_json(report(record))
    else:
        _show(record)
    return 0


def _show(record: RequestRecord) -> None:
    from turnout.cli import explanation

    explanation.show(explanation.console(), record)


def _show_latest(records: Sequence[RequestRecord]) -> None:
    from turnout.cli import explanation

    explanation.show_latest(explanation.console(), records)


def _print_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _complain(message: str, candidates: Sequence[RequestRecord]) -> int:
    """Says that there is no such record, and which ones may be meant."""
    from turnout.cli.root import FAILED, complain

    if candidates:
        complain(message, "Perhaps one of these:")
        for record in candidates:
            click.echo(f"    {record.request_id}  {record.status}  {record.model or record.model_asked}", err=True)
    else:
        complain(message, "Send one through `turnout serve` or `turnout claude`; TURNOUT_RECORDS must not be false.")
    return FAILED
