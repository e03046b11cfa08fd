"""Reads a stream while processes of the cluster die, and compares it with one that nothing disturbs."""

import os
import urllib.error
import urllib.request

AFTER = 3  # pieces, before a process dies
VICTIMS = ("node", "router")


def post(path):
    try:
        urllib.request.urlopen(os.environ["HACHI_KILLER"] + path, data=b"", timeout=90).close()
    except urllib.error.HTTPError as e:
        raise AssertionError(e.read().decode()) from None


def disturbed(stream, victim):
    """Yields the pieces of stream(); the victim dies after the first ones."""
    post("/whole")
    count = 0
    for piece in stream():
        count += 1
        if count == AFTER:
            post("/kill/" + victim)
        yield piece
    assert count > AFTER, f"{count} pieces are too few"


def survives(stream, whole="".join):
    """Asserts that no death changes what whole makes of the pieces, and returns that."""
    expected = whole(stream())
    assert expected, "the stream is empty"
    for victim in VICTIMS:
        got = whole(disturbed(stream, victim))
        assert got == expected, (victim, got, expected)
    return expected


# What clients ask for: a text with a seed, and a tool whose arguments are long.
STORY = "Tell me a story about a dragon."
DIARY = "Write down the weather of every day."
DAYS = 40
SKY = {
    "type": "object", "required": ["sky"], "additionalProperties": False,
    "properties": {"sky": {"type": "array", "items": {"enum": ["sunny", "rainy", "cloudy"]}, "minItems": DAYS, "maxItems": DAYS}},
}
