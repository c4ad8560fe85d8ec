"""Calls and results find each other, whatever the history lost."""

from __future__ import annotations

from turnout.protocol.messages import Message, TextBlock, ToolResultBlock, ToolUseBlock
from turnout.translate.pairing import SOUND, pair


def calls(*ids: str) -> Message:
    return Message("assistant", [ToolUseBlock(id=one, name="Bash") for one in ids])


def results(*ids: str) -> Message:
    return Message("user", [ToolResultBlock(tool_use_id=one) for one in ids])


def test_a_sound_history_needs_no_looking_up() -> None:
    assert pair([calls("a", "b"), results("a", "b"), calls("c"), results("c")]) is SOUND


def test_results_in_another_order_are_paired_by_their_ids() -> None:
    assert pair([calls("a", "b"), results("b", "a")]) == SOUND


def test_a_call_without_a_result_and_a_result_without_a_call() -> None:
    found = pair([calls("a", "b"), results("b", "x")])
    assert found.unanswered == {(0, 0)}
    assert found.orphaned == {(1, 1)}


def test_a_result_before_its_call_answers_nothing() -> None:
    found = pair([results("a"), calls("a")])
    assert found.orphaned == {(0, 0)}
    assert found.unanswered == {(1, 0)}


def test_doubled_ids_are_told_apart_and_paired_in_order() -> None:
    found = pair([calls("a"), results("a"), calls("a"), results("a")])
    assert found.renamed == {(2, 0): "a#2", (3, 0): "a#2"}
    assert not found.unanswered
    assert not found.orphaned


def test_an_id_made_for_one_call_is_no_other_calls() -> None:
    found = pair([calls("a", "a", "a#2"), results("a", "a", "a#2")])
    assert found.renamed == {(0, 1): "a#2", (1, 1): "a#2", (0, 2): "a#2#2", (1, 2): "a#2#2"}


def test_a_second_result_for_one_call_is_an_orphan() -> None:
    assert pair([calls("a"), results("a", "a")]).orphaned == {(1, 1)}


def test_blocks_in_a_foreign_role_are_not_paired() -> None:
    message = Message("user", [ToolUseBlock(id="a", name="Bash")])
    assert pair([message, results("a"), Message("user", [TextBlock(text=None)])]).orphaned == {(1, 0)}  # type: ignore[arg-type]
