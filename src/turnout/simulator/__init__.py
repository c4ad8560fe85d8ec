"""A strict stand-in for the Codex (ChatGPT) backend and the OpenAI API, for demos and tests.

It accepts what the real services accept, refuses the rest with their words, and streams answers from a
script or from a small rule engine. It never imports the code that it tests: its view of the wire is its own.
"""

from turnout.simulator.accounts import Account
from turnout.simulator.faults import Fault
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.scenario import (
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
