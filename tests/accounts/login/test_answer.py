"""What comes back from OpenAI's page, by browser or pasted by hand."""

from __future__ import annotations

import pytest

from turnout.accounts.login import answer
from turnout.protocol.errors import FailureKind, TurnoutError

STATE = "state-of-this-attempt"
CODE = "ac_0123456789abcdefABCDEF"
URL = f"http://127.0.0.1:1455/auth/callback?code={CODE}&scope=openid+email&state={STATE}"


def test_the_code_of_this_attempt() -> None:
    assert answer.code({"code": CODE, "state": STATE}, STATE) == CODE


@pytest.mark.parametrize("state", ["other", "", "état"])
def test_another_attempts_answer_is_not_ours_whatever_it_says(state: str) -> None:
    for query in ({"code": CODE}, {"error": "access_denied"}, {}):
        with pytest.raises(answer.NotOurs, match="State mismatch"):
            answer.code({**query, "state": state}, STATE)


def test_an_answer_without_a_code() -> None:
    with pytest.raises(answer.NotOurs, match="no code"):
        answer.code({"state": STATE, "code": ""}, STATE)


@pytest.mark.parametrize(
    ("error", "description", "told"),
    [
        ("access_denied", "", "The sign-in was declined on OpenAI's page."),
        ("access_denied", "The user said no.", "The sign-in was declined on OpenAI's page: The user said no."),
        ("access_denied", "x: missing_codex_entitlement", "Codex is not enabled for this ChatGPT workspace."),
        ("server_error", "", "OpenAI's page could not sign you in: server_error."),
        ("server_error", "Try\x1b[31m later\n", "OpenAI's page could not sign you in: Try [31m later."),
    ],
)
def test_refusals_are_told_in_plain_words(error: str, description: str, told: str) -> None:
    query = {"state": STATE, "error": error, "error_description": description}
    with pytest.raises(TurnoutError) as refused:
        answer.code(query, STATE)
    assert refused.value.failure.kind is FailureKind.SIGN_IN
    assert refused.value.failure.message == told
    assert refused.value.failure.next_step


@pytest.mark.parametrize(
    "text",
    [
        URL,
        f"  {URL}\n",
        f'"{URL}"',
        f"<{URL}>",
        f"{URL}#",
        f"{URL[:50]}\n{URL[50:]}",
        f"{URL[:50]}   {URL[50:]}",
        URL.partition("?")[2],
        URL.replace("127.0.0.1", "localhost"),
        CODE,
        f"{CODE}#{STATE}",
    ],
)
def test_what_may_be_pasted(text: str) -> None:
    assert answer.pasted(text, STATE) == CODE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (URL.replace(STATE, "other"), "State mismatch"),
        (f"{CODE}#other", "State mismatch"),
        (URL.partition("&state")[0], "cut off"),
        ("https://auth.openai.com/oauth/authorize?response_type=code&state=x", "address of OpenAI's page"),
        ("http://127.0.0.1:1455/auth/callback", "neither"),
        ("yes", "neither"),
        ("http://[broken", "neither"),
        ("🦊" * 20, "neither"),
    ],
)
def test_what_is_wrong_with_what_was_pasted_is_told(text: str, told: str) -> None:
    with pytest.raises(answer.NotOurs, match=told):
        answer.pasted(text, STATE)


def test_a_pasted_refusal_ends_the_attempt() -> None:
    with pytest.raises(TurnoutError, match="declined"):
        answer.pasted(f"http://127.0.0.1:1455/auth/callback?error=access_denied&state={STATE}", STATE)
