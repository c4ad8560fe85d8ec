"""Auto mode. With the client's own classifier small whole answers, cut at a stop sequence, decide what may run.

2.1.328 does this when told not to ask the server (`CLAUDE_CODE_AUTO_MODE_SERVER=0`), 2.1.197 always; the two ask in
different words (claude-code-wire.md 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.capabilities import NEW
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from tests.e2e.terminal import ENTER
from turnout.simulator import When

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stack import Stack

CLASSIFIER = When(tools_absent=["Bash"])
"""The classifier offers no tools; the conversation always offers Bash."""
FETCH = bash("curl -s http://127.0.0.1:9/; echo run > trace.txt")
OWN_CLASSIFIER = {"CLAUDE_CODE_AUTO_MODE_SERVER": "0"}
VERDICTS = {
    ("2.1.197", True): "<block>no</block>",
    ("2.1.197", False): "<block>yes</block><reason>The user has not asked for it.</reason>",
    ("2.1.328", True): "<severity>0</severity>",
    ("2.1.328", False): "<severity>90</severity><category>Data Exfiltration</category>",
}


@pytest.mark.capability("Checked by the client's own classifier")
@pytest.mark.parametrize("harmless", [True, False])
def test_a_command_runs_only_if_the_classifier_finds_it_harmless(
    claude: ClaudeCode, stack: Stack, harmless: bool
) -> None:
    verdict = VERDICTS[claude.version, harmless]
    stack.play(say(verdict, when=CLASSIFIER), use(FETCH), say("Done."))
    result = claude.run("Fetch it", "--permission-mode", "auto", environment=OWN_CLASSIFIER).succeeded()
    assert result.stdout == "Done.\n"
    asked = [request for request in stack.requests if not upstream.body(request).get("tools")]
    assert asked, "the classifier was asked"
    assert all(request.status == 200 for request in asked)
    assert (claude.work / "trace.txt").exists() is harmless


@pytest.mark.capability("Checked by the client's own classifier")
def test_in_the_terminal_nobody_is_asked_about_a_harmless_command(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(VERDICTS[claude.version, True], when=CLASSIFIER), use(FETCH), say("Done."))
    with claude.terminal("--permission-mode", "auto", environment=OWN_CLASSIFIER) as terminal:
        terminal.wait_for("❯")
        terminal.submit("Fetch it")
        terminal.wait_for("Done.")
    assert (claude.work / "trace.txt").exists()


@pytest.mark.capability("Checked by the server", versions=[NEW])
def test_without_a_verdict_of_the_server_the_user_is_asked(stack: Stack, tmp_path: Path) -> None:
    """As it is in 2.1.328 without any settings. A verdict that a gateway made up would be worse than none."""
    settings = {"permissions": {"defaultMode": "auto"}}
    claude = ClaudeCode(NEW, tmp_path / "user", stack.gateway.url, stack.gateway.token, settings=settings)
    stack.play(use(FETCH), say("Done."))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Fetch it")
        terminal.wait_for("Auto mode can't check actions in this session")
        terminal.press(ENTER, until="Actions that need the check now ask for your approval")
        terminal.press(ENTER, until="Interrupted")  # the answer that stands first is No
    assert not (claude.work / "trace.txt").exists()
