"""Transports, the upstreams built on them, and the classification of what goes wrong there."""
