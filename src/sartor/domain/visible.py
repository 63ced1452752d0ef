r"""Text from elsewhere, shown so that neither a terminal nor a pipeline's service acts on it.

Names, rows, messages of a server and files may hold anything. Characters that a terminal acts on, or that reorder or
hide others, are shown as Python writes them: `\x1b`, `\u202e`. GitHub and Azure take a line that begins with `::`, or
that holds `##[`, `##vso[`, for a command (the runner's ActionCommand.cs; TeamCity's `##teamcity[` is of the kind).
"""

import re

_ACTS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # marks, bidi, separators, invisible
    "\ud800-\udfff\U000e0000-\U000e007f"  # lone surrogates, tags
)
_COMMAND = r"(?m)^(?P<before>\s*)::|\#(?=\#\w*\[)"


def visible(text: str) -> str:
    """Returns the text with active characters and commands spelled out; its lines stay lines."""
    text = printable(text)
    return re.sub(_COMMAND, _defuse, text) if "::" in text or "##" in text else text


def printable(text: str) -> str:
    """Returns the text with active characters spelled out, and no more: lines may be commands for a pipeline."""
    # Nearly all texts are plain, and need no regular expression.
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return re.sub(f"[{_ACTS}]", _spell, text)


def visible_line(text: str) -> str:
    """Returns what `visible` does, for text within a line: its newlines are spelled out, too."""
    return visible(text.replace("\n", "\\n"))


def visible_json(text: str) -> str:
    """Returns JSON with the same values, in which active characters are written as JSON's own escapes."""
    if not (text.isascii() and "\x7f" not in text):
        text = re.sub(f"[{_ACTS}]", _escape, text)
    return re.sub(r"\#(?=\#\w*\[)", r"\\u0023", text) if "##" in text else text


def _spell(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex(" ", 2)
    return "".join(f"\\u{unit}" for unit in units.split())


def _defuse(found: re.Match[str]) -> str:
    return "\\x23" if found["before"] is None else f"{found['before']}\\x3a:"
