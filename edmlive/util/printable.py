"""Text from elsewhere, made safe to show on a terminal."""

import re

# Control characters, line separators, marks that reverse the direction of writing, and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return text with everything escaped that could control a terminal or break a line.

    File names, labels, device names and messages of servers may hold such characters. The escapes are those of JSON,
    so that a line of JSON stays one.

    >>> printable("a\x1b[2Jb\n.mp3")
    'a\\u001b[2Jb\\u000a.mp3'
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def spreadsheet_text(text: str) -> str:
    """Return text for a cell of a CSV file that no spreadsheet takes for a formula: such text gets an apostrophe.

    >>> spreadsheet_text("=HYPERLINK(A1)")
    "'=HYPERLINK(A1)"
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
