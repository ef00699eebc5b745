"""Rows for the engine's own benchmarks: row i depends on (seed, i) alone."""

from hashlib import sha256


def rows(n: int, seed: int = 1, start: int = 0) -> list[dict[str, str]]:
    """Rows start to start + n of an endless list, 100 to 500 characters each."""
    found = []
    for index in range(start, start + n):
        digest = sha256(f"{seed}:{index}".encode()).digest()
        one, other = (int.from_bytes(digest[at : at + 4], "big") for at in (0, 4))
        text = f"Row {index} of list {seed}: which number is {one} times {other}? "
        found.append(
            {"id": f"{seed}-{index}", "problem": (text + "Explain each step of it. " * (1 + digest[8] % 16)).strip()}
        )
    return found
