"""Content ids: the same content has the same id, in every run and on every machine.

128 bits of BLAKE2b, written as 32 hex digits. Each part is preceded by its length in bytes, so that no two lists of
parts can be mistaken for each other.
"""

import hashlib
import unicodedata


def question_id(source_key: str, text: str) -> str:
    """Id of a question of a source; texts that differ only in Unicode composition share it.

    >>> question_id("gcd", "What is the gcd of 12 and 18?")
    'ad53a8b4b02a2e8ac9aaaf1fa6adc9a9'
    >>> question_id("gcd", "caf\\u00e9") == question_id("gcd", "cafe\\u0301")
    True
    >>> question_id("gcd", "x") == question_id("lcm", "x")
    False
    """
    return _digest(source_key, unicodedata.normalize("NFC", text))


def trace_id(question_id: str, model: str, prompt_version: str, sample_index: int) -> str:
    """Id of one trace: which question, asked of which model (`provider:model`), how, and the how manyth time.

    >>> trace_id("ad53a8b4b02a2e8ac9aaaf1fa6adc9a9", "solver:teacher-v1", "1", 0)
    '301fbf233095cfebad19928e280e46ff'
    """
    return _digest(question_id, model, prompt_version, str(sample_index))


def attempt_id(question_id: str, student: str, sample_index: int) -> str:
    """Id of one attempt of a student at a question.

    >>> attempt_id("ad53a8b4b02a2e8ac9aaaf1fa6adc9a9", "solver:student-brief-v1", 0)
    '0845befbcc3987e7f842f9b8c310463d'
    """
    return _digest(question_id, student, str(sample_index))


def rank(seed: int, question_id: str) -> bytes:
    """Place of a question in a seeded draw: the smallest ranks are drawn first.

    A larger draw with the same seed holds the smaller one, whatever else was added to the source.

    >>> sorted("abcd", key=lambda name: rank(1, name)) == sorted("dcba", key=lambda name: rank(1, name))
    True
    """
    return hashlib.blake2b(f"{seed}:{question_id}".encode()).digest()[:16]


def _digest(*parts: str) -> str:
    whole = hashlib.blake2b()
    for part in parts:
        encoded = part.encode()
        whole.update(b"%d:" % len(encoded))
        whole.update(encoded)
    return whole.hexdigest()[:32]
