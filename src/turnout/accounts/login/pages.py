"""The pages that the browser shows when it comes back. They ask nothing of any other place. Pure."""

from __future__ import annotations

from html import escape

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",  # the address may hold the code
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Turnout</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1b2430; --soft: #5b6675; --paper: #f4f6f8; --card: #fff; --line: #dde3ea }}
  @media (prefers-color-scheme: dark) {{
    :root {{ --ink: #e8edf2; --soft: #9aa6b5; --paper: #11161c; --card: #1a2129; --line: #2a333e }}
  }}
  body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
         color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }}
  main {{ max-width: 26rem; margin: 1rem; padding: 2.5rem; text-align: center; background: var(--card);
         border: 1px solid var(--line); border-radius: 14px }}
  .mark {{ width: 3.25rem; height: 3.25rem; margin: 0 auto 1.25rem; border-radius: 50%; display: grid;
          place-items: center; font-size: 1.6rem; color: #fff; background: {colour} }}
  h1 {{ margin: 0 0 .5rem; font-size: 1.3rem }}
  p {{ margin: 0; color: var(--soft); overflow-wrap: anywhere }}
  p + p {{ margin-top: .75rem }}
</style>
</head>
<body>
<main>
<div class="mark" aria-hidden="true">{mark}</div>
<h1>{title}</h1>
{paragraphs}
</main>
</body>
</html>
"""


def signed_in(email: str) -> str:
    """The page after a sign-in that has worked. ``email`` may be empty."""
    whom = f"Turnout can use the account {email} now." if email else "Turnout can use your account now."
    return _page("You are signed in", whom, "This page may be closed.", good=True)


def not_signed_in(*sentences: str) -> str:
    """The page after one that has not."""
    return _page("You are not signed in", *sentences, good=False)


def state_mismatch() -> str:
    """The page for an answer to another attempt."""
    return _page(
        "State mismatch",
        "This page belongs to another attempt to sign in, so Turnout takes no notice of it.",
        "Use the page that Turnout has opened last, or the address it shows.",
        good=False,
    )


def nothing_here() -> str:
    """The page for any other address."""
    return _page("Nothing here", "Turnout is waiting for you to sign in on OpenAI's page.", good=False)


def cancelled() -> str:
    """The answer to another program that wants the port."""
    return _page("Sign-in cancelled", "Turnout has stopped waiting for this sign-in.", good=False)


def _page(title: str, *sentences: str, good: bool) -> str:
    return PAGE.format(
        title=escape(title),
        paragraphs="\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence),
        colour="#2f8f5b" if good else "#b5642a",
        mark="✓" if good else "!",
    )
