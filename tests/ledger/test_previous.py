"""The request before: found among a conversation's kinds of requests, held within a budget."""

from __future__ import annotations

from tests.ledger.bodies import BASH, HELLO, READ, SYSTEM, body, said
from turnout.ledger.previous import CONVERSATIONS, KINDS, PreviousRequests, Sent

TITLE = said("developer", "Name the conversation.")


def sent(name: str, data: bytes, *, model: str = "astra", account: str = "a", at: float = 100.0) -> Sent:
    return Sent(name, data, model=("codex", model), account=("codex", account), at=at)


def test_a_conversation_is_followed_turn_by_turn() -> None:
    previous = PreviousRequests()
    one = sent("req_1", body(SYSTEM, HELLO))
    assert previous.follow("s", one).verdict == "first"
    one.tokens = 5000
    two = sent("req_2", body(SYSTEM, HELLO, said("assistant", "hi")), at=107.0)
    found = previous.follow("s", two)
    assert (found.verdict, found.against, found.seconds, found.tokens) == ("unchanged", "req_1", 7.0, 5000)
    assert not (found.other_account or found.other_model or found.parting)
    assert previous.follow("other", sent("req_3", body(SYSTEM, HELLO))).verdict == "first"


def test_a_changed_tool_is_named() -> None:
    previous = PreviousRequests()
    previous.follow("s", sent("req_1", body(SYSTEM, HELLO)))
    changed = body(SYSTEM, HELLO, said("assistant", "hi"), tools=(BASH, {**READ, "description": "Else."}))
    found = previous.follow("s", sent("req_2", changed))
    assert found.verdict == "changed"
    assert found.parting is not None
    assert found.parting.place == "tools[1] (Read)"
    assert previous.follow("s", sent("req_3", changed)).verdict == "unchanged"


def test_requests_of_another_kind_do_not_get_in_between() -> None:
    previous = PreviousRequests()
    title = sent("req_2", body(TITLE, said("user", "Title of: hello")), model="small")
    title.body = body(TITLE, said("user", "Title of: hello"), tools=(), model="gpt-small")
    previous.follow("s", sent("req_1", body(SYSTEM, HELLO)))
    assert previous.follow("s", title).verdict == "first"
    found = previous.follow("s", sent("req_3", body(SYSTEM, HELLO, said("assistant", "hi"))))
    assert (found.verdict, found.against) == ("unchanged", "req_1")
    again = body(TITLE, said("user", "Title of: bye"), tools=(), model="gpt-small")
    assert previous.follow("s", sent("req_4", again, model="small")).against == "req_2"


def test_another_account_and_another_model_are_told() -> None:
    previous = PreviousRequests()
    previous.follow("s", sent("req_1", body(SYSTEM, HELLO)))
    found = previous.follow("s", sent("req_2", body(SYSTEM, HELLO), account="b"))
    assert (found.verdict, found.other_account, found.other_model) == ("unchanged", True, False)
    moved = sent("req_3", body(SYSTEM, HELLO, model="gpt-6-luna"), account="b", model="luna")
    found = previous.follow("s", moved)
    assert (found.verdict, found.other_account, found.other_model) == ("changed", False, True)


def test_clients_that_name_no_conversation_are_told_apart_by_what_was_said_first() -> None:
    previous = PreviousRequests()
    previous.follow("", sent("req_1", body(SYSTEM, HELLO)))
    assert previous.follow("", sent("req_2", body(SYSTEM, said("user", "something else")))).verdict == "first"
    found = previous.follow("", sent("req_3", body(SYSTEM, HELLO, said("assistant", "hi"), tools=(BASH,))))
    assert (found.verdict, found.against) == ("changed", "req_1")


def test_bodies_are_held_within_the_budget_and_the_oldest_go_first() -> None:
    data = body(SYSTEM, said("user", "x" * 10_000))
    previous = PreviousRequests(budget=35_000)
    for number in range(5):
        previous.follow(str(number), sent(f"req_{number}", data))
        assert previous.held <= 35_000
    assert previous.held == 3 * len(data)
    found = previous.follow("1", sent("req_9", data))
    assert (found.verdict, found.against) == ("unknown", "req_1")
    assert previous.follow("4", sent("req_10", data)).verdict == "unchanged"


def test_a_body_beyond_the_budget_is_not_held() -> None:
    previous = PreviousRequests(budget=1000)
    previous.follow("s", sent("req_1", body(said("user", "x" * 2000))))
    assert previous.held == 0


def test_the_body_is_the_very_object_and_a_conversation_holds_one_of_each_kind() -> None:
    previous = PreviousRequests()
    turns = [sent(f"req_{n}", body(SYSTEM, HELLO, *[said("user", "more")] * n)) for n in range(5)]
    for turn in turns:
        previous.follow("s", turn)
    assert [turn.body is None for turn in turns] == [True] * 4 + [False]
    assert previous.held == len(turns[-1].body or b"")
    for number in range(KINDS + 3):
        kind = body(said("developer", f"kind {number}"), said("user", f"{number}"), tools=())
        previous.follow("s", sent(f"req_k{number}", kind))
    assert previous.held < (KINDS + 1) * 400


def test_conversations_are_bounded() -> None:
    previous = PreviousRequests()
    data = body(SYSTEM, HELLO)
    for number in range(CONVERSATIONS + 10):
        previous.follow(str(number), sent("req", data))
    assert previous.held == CONVERSATIONS * len(data)
    assert previous.follow("0", sent("req", data)).verdict == "first"
