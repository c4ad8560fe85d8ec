"""Pure translation between wire formats, one module per direction. No I/O, no clock, no environment."""
