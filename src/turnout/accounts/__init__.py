"""Credentials: the only place that sees a token."""
