"""Looks over everything that Turnout depends on, and says of each thing how it is and what would help.

A check reads and asks; none changes anything. What may be mended safely is a value (`finding.Repair`) that `repairs`
carries out when the user asks for it.
"""
