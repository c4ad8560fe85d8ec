"""Signing in: browser, device code, pasted address, API key. Each way is an async function that gives what to keep.

Shows nothing and keeps nothing: whoever calls it talks with the user and stores what comes back.
"""
