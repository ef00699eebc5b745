"""Text for a terminal: nothing that a row holds can move the cursor or change the colours."""

import unicodedata


def inert(text: object, width: int | None = None) -> str:
    """The text on one line with control characters made visible, cut to `width` characters."""
    line = "".join(_visible(character) for character in str("" if text is None else text))
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def inert_lines(text: str) -> str:
    """The text with its line breaks, every other control character made visible."""
    return "\n".join(inert(line) for line in text.splitlines())


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    return "�" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else character
