"""`turnout login`: sign in once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from turnout.cli.signing_in import Way


@click.command("login")
@click.option("--browser", "way", flag_value="browser", help="Use the browser of this machine.")
@click.option("--device", "way", flag_value="device", help="Enter a code on any device (default over SSH).")
@click.option("--headless", "way", flag_value="headless", help="Use a browser elsewhere, and paste where it ends.")
@click.option("--api-key", is_flag=True, help="Keep an OpenAI API key: asked for unseen, or read from a pipe.")
@click.option("--add", is_flag=True, help="Add an account beside the others; the default one stays.")
@click.option("--nickname", metavar="NAME", help="What to call the account (default: from its email address).")
@click.argument("excess", nargs=-1, type=click.UNPROCESSED, metavar="")
def command(*, way: Way | None, api_key: bool, add: bool, nickname: str | None, excess: tuple[str, ...]) -> None:
    """Sign in with ChatGPT, or keep an OpenAI API key.

    OpenAI's page opens in your browser; where there is none, and over SSH, you are shown a code to enter on any
    device; and if neither can be, you paste the address at which a browser elsewhere ends. Turnout then has a login
    of its own, which it renews by itself, and no other tool's login is touched.

    \b
    turnout login
    turnout login --device               a code for any device, say your phone
    turnout login --headless             a browser elsewhere; paste where it ends
    turnout login --add --nickname work  another account, beside the first
    turnout login --api-key              asked for, not shown
    pass show openai | turnout login --api-key

    Signing in to an account that Turnout has already gives it a new login in place of the old one.
    """
    if excess:
        # Not repeated: it may be a key.
        raise click.UsageError(
            "turnout login takes no arguments. An API key does not belong there: other programs can see it, and your "
            "shell keeps it. Use `turnout login --api-key`, which asks for it."
        )
    if api_key and way:
        raise click.UsageError(f"--api-key and --{way} are two ways to sign in: choose one.")
    from turnout.accounts import nicknames
    from turnout.cli import accounts_view, signing_in
    from turnout.cli.explanation import console

    loaded = options.resolve({})
    if nickname:
        nicknames.check(nickname, ())  # better said now than when all is done
    screen = console()
    talk = signing_in.SigningIn(loaded.config, screen)
    if api_key:
        kept = talk.with_key(signing_in.ask_for_key(), nickname or "", add=add)
    else:
        kept = talk.with_chatgpt(way, nickname or "", add=add)
    accounts_view.show_kept(screen, kept, loaded, add=add)
