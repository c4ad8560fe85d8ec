"""Reads the settings of other tools of this kind and says which of Turnout's would stand for them. Writes nothing."""
