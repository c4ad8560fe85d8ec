"""The wire formats as typed records, and the SSE codec. Knows nothing else of Turnout."""
