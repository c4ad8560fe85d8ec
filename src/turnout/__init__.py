"""Turnout: Claude Code and other agents on OpenAI's models."""

__version__ = "0.1.0"
