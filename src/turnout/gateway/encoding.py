"""Compressed request bodies. Never makes more bytes than the limit, however small the body that hides them."""

from __future__ import annotations

import zlib

from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail

GZIP = 16 + zlib.MAX_WBITS


class UnsupportedEncoding(TurnoutError):
    """A ``Content-Encoding`` that the gateway does not take: HTTP 415."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            Failure(
                kind=FailureKind.BAD_REQUEST,
                message=f"The request's body has the Content-Encoding {encoding[:50]!r}, which is not taken here.",
                next_step="Send it plain, or with gzip or zstd.",
            )
        )


class _TooMuch(Exception):
    """There is more in it than the limit."""


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """``body`` without its ``Content-Encoding``; ``limit`` in bytes.

    Raises `UnsupportedEncoding`, or `TurnoutError`: `BODY_TOO_LARGE`, `BAD_REQUEST` for a damaged body.
    """
    name = encoding.strip().lower()
    try:
        match name:
            case "" | "identity":
                return body
            case "gzip" | "x-gzip":
                return _gunzip(body, limit)
            case "zstd":
                return _unzstd(body, limit)
            case _:
                raise UnsupportedEncoding(name)
    except _TooMuch:
        raise fail(
            FailureKind.BODY_TOO_LARGE,
            f"The request's body holds more than {limit:,} bytes, the most that is taken, once it is decompressed.",
            "Shorten the conversation, or raise TURNOUT_BODY_LIMIT.",
        ) from None


def _gunzip(body: bytes, limit: int) -> bytes:
    machine = zlib.decompressobj(GZIP)
    try:
        data = machine.decompress(body, limit + 1)
    except zlib.error as error:
        raise _damaged("gzip", error) from None
    if len(data) > limit:
        raise _TooMuch
    if not machine.eof:
        raise _damaged("gzip", "it ends too early")
    return data


def _unzstd(body: bytes, limit: int) -> bytes:
    import zstandard  # few clients compress; the others need not pay for the import

    try:
        data: bytes = zstandard.ZstdDecompressor().stream_reader(body).read(limit + 1)
    except zstandard.ZstdError as error:
        raise _damaged("zstd", error) from None
    if len(data) > limit:
        raise _TooMuch
    return data


def _damaged(name: str, why: object) -> TurnoutError:
    return fail(FailureKind.BAD_REQUEST, f"The request's body is not valid {name}: {why}.")
