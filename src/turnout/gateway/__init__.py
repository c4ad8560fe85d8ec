"""The HTTP application: doors, admission, lifetime, streaming."""
