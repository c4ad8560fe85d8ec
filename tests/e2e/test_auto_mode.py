"""Auto mode with the client's own classifier: small whole answers, cut at a stop sequence, decide what may run.

2.1.328 does this when told not to ask the server (`CLAUDE_CODE_AUTO_MODE_SERVER=0`), 2.1.197 always; the two ask in
different words (claude-code-wire.md 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import bash, say, use
from turnout.simulator import When

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack

CLASSIFIER = When(tools_absent=["Bash"])
"""The classifier offers no tools; the conversation always offers Bash."""
VERDICTS = {
    ("2.1.197", True): "<block>no</block>",
    ("2.1.197", False): "<block>yes</block><reason>The user has not asked for it.</reason>",
    ("2.1.328", True): "<severity>0</severity>",
    ("2.1.328", False): "<severity>90</severity><category>Data Exfiltration</category>",
}


@pytest.mark.parametrize("harmless", [True, False])
def test_a_command_runs_only_if_the_classifier_finds_it_harmless(
    claude: ClaudeCode, stack: Stack, harmless: bool
) -> None:
    verdict = VERDICTS[claude.version, harmless]
    stack.play(
        say(verdict, when=CLASSIFIER), use(bash("curl -s http://127.0.0.1:9/; echo run > trace.txt")), say("Done.")
    )
    result = claude.run(
        "Fetch it", "--permission-mode", "auto", environment={"CLAUDE_CODE_AUTO_MODE_SERVER": "0"}
    ).succeeded()
    assert result.stdout == "Done.\n"
    asked = [request for request in stack.requests if not upstream.body(request).get("tools")]
    assert asked, "the classifier was asked"
    assert all(request.status == 200 for request in asked)
    assert (claude.work / "trace.txt").exists() is harmless
