"""Shows a conversation in the terminal while it happens, and its figures at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text as Styled

from turnout.demo.events import Answer, Event, Text, Thinking, ToolCall, ToolResult
from turnout.demo.wrapping import Wrapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from turnout.demo.report import Outcome
    from turnout.routing.mapping import MappingLine

RESULT_LINES = 8
"""How much of a tool's result is shown."""

THOUGHT, ANSWERED = "dim italic", ""
INDENT = "  "


class View:
    """A live view on one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kind: type[Event] | None = None
        self._style = ANSWERED
        self._text = Wrapping(console.width, INDENT)

    def opening(self, client: str, task: str, mapping: Iterable[MappingLine]) -> None:
        """Says what is about to be seen."""
        self._console.print()
        self._console.rule(Styled(client, "bold"), align="left", style="dim")
        for line in mapping:
            self._console.print(f"  {line}", style="dim", highlight=False)
        self._console.print()
        asked = Table.grid()
        asked.add_row(Styled("› ", "bold cyan"), Styled(task, "bold"))
        self._console.print(asked)

    def show(self, event: Event) -> None:
        """Shows one event."""
        match event:
            case Thinking():
                self._piece(event.text.replace("**", ""), THOUGHT, Thinking)
            case Text():
                self._piece(event.text, ANSWERED, Text)
            case ToolCall():
                self._end_piece()
                shown = ", ".join(str(value) for name, value in event.arguments.items() if name != "description")
                self._console.print()
                self._console.print(Styled.assemble(("● ", "green"), (event.name, "bold"), f"  {shown}"))
            case ToolResult():
                self._result(event)
            case Answer():
                self._end_piece()

    def closing(self, outcome: Outcome) -> None:
        """Shows the figures."""
        self._end_piece()
        report = outcome.report
        sent = f"{report.model_sent or 'nothing'}{f' · {outcome.effort}' if outcome.effort else ''}"
        first = f"{report.ttft_ms:,.0f} ms" if report.ttft_ms is not None else "never"
        table = Table(box=None, show_header=False, padding=(0, 3, 0, 0))
        table.add_column(style="dim")
        table.add_column()
        table.add_row("asked → sent", f"{report.model_asked} → {sent}")
        table.add_row("thinking", f"{report.thinking_blocks} blocks")
        table.add_row("tool calls", str(report.tool_calls))
        cached = f"{report.cached_share:.0%} of it from the cache"
        table.add_row("tokens", f"{report.input_tokens:,} in ({cached}) · {outcome.output_tokens:,} out")
        table.add_row("first token", first)
        self._console.print()
        self._console.print(table)
        if outcome.problem:
            self._console.print()
            self._console.print(Styled.assemble(("✗ ", "bold red"), outcome.problem))

    def _piece(self, text: str, style: str, kind: type[Event]) -> None:
        """A piece of running text, set in by two columns."""
        if self._kind is not kind:
            self._end_piece()
            self._console.print()
            self._kind, self._style, self._text = kind, style, Wrapping(self._console.width, INDENT)
        self._write(self._text.feed(text))

    def _end_piece(self) -> None:
        if self._kind is not None:
            self._write(self._text.end())
        self._kind = None

    def _write(self, text: str) -> None:
        if text:
            self._console.print(Styled(text, self._style), end="", soft_wrap=True)

    def _result(self, result: ToolResult) -> None:
        lines = result.text.strip().splitlines()
        for line in lines[:RESULT_LINES]:
            self._console.print(
                Styled(f"  │ {line}", "red" if result.failed else "dim"), overflow="ellipsis", no_wrap=True
            )
        if len(lines) > RESULT_LINES:
            self._console.print(Styled(f"  │ … {len(lines) - RESULT_LINES} more lines", "dim"))
