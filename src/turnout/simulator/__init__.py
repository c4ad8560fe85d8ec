"""A strict stand-in for the Codex (ChatGPT) backend and the OpenAI API, for demos and tests.

It accepts what the real services accept, refuses the rest with their words, and streams answers from a
script or from a small rule engine. It never imports the code that it tests: its view of the wire is its own.

    with Simulator() as sim:
        sim.write_auth_json(codex_home)              # a sign-in for the client
        sim.script(FunctionCall(name="Bash", arguments={"command": "ls"}), Message(text="Done."))
        sim.fault("429-burst:2")                     # the next request fails so
        ...                                          # a client talks to sim.codex_url or sim.openai_url
        sim.requests[-1].body                        # what it sent
"""

from turnout.simulator.accounts import Account
from turnout.simulator.chat_checks import ChatRules
from turnout.simulator.faults import Fault
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.scenario import (
    Citation,
    CustomToolCall,
    FunctionCall,
    ImageGeneration,
    Message,
    Pacing,
    RawEvent,
    Reasoning,
    Scenario,
    Turn,
    Usage,
    WebSearch,
    When,
    load_scenario,
)
from turnout.simulator.server import Simulator, serve
from turnout.simulator.settings import Settings
from turnout.simulator.wire import WireStyle

__all__ = [
    "Account",
    "ChatRules",
    "Citation",
    "CustomToolCall",
    "Fault",
    "FunctionCall",
    "ImageGeneration",
    "Message",
    "Pacing",
    "RawEvent",
    "Reasoning",
    "RecordedRequest",
    "Scenario",
    "Settings",
    "Simulator",
    "Turn",
    "Usage",
    "WebSearch",
    "When",
    "WireStyle",
    "load_scenario",
    "serve",
]
