"""Depth and number of elements of a JSON body, found without parsing it.

A parser meets a limit only after it has done the work the limit should prevent. This scan needs a few passes in C
over the bytes and memory for one block. It knows strings and brackets, not JSON: on a broken body it is right up to
the first broken byte, which is as far as the parser gets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 1 << 17
_QUOTE, _COMMA = ord('"'), ord(",")
_STEP = np.zeros(256, np.int32)
_STEP[[ord("["), ord("{")]] = 1
_STEP[[ord("]"), ord("}")]] = -1
_REST = bytes(byte for byte in range(256) if byte not in b'[]{},"')


def measure(body: bytes) -> tuple[int, int]:
    """(deepest nesting, elements of the outermost array or object) of a body."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    deepest, elements = 0, 1
    for _, codes, depth in _blocks(body.translate(None, _REST).replace(b'""', b"")):
        deepest = max(deepest, int(depth.max()))
        elements += int(np.count_nonzero((codes == _COMMA) & (depth == 1)))
    return deepest, elements


def cuts(body: bytes) -> list[int] | None:
    """Positions around the elements of an array body: its `[`, each comma between elements, its `]`.

    None when brackets and strings do not pair up, or when something follows the array.
    """
    if b"\\" in body:  # same length, so that positions stay true
        body = body.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    found = [body.find(b"[")]
    end = -1
    for start, codes, depth in _blocks(body):
        closed = np.flatnonzero((depth <= 0) & (_STEP[codes] < 0))
        found += (start + np.flatnonzero((codes == _COMMA) & (depth == 1))).tolist()
        if closed.size:
            end = start + int(closed[0])
            break
    if body[end : end + 1] != b"]" or body[end + 1 :].strip(b" \t\r\n"):
        return None
    return [*(at for at in found if at < end), end]


def _blocks(text: bytes) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.int32]]]:
    """(start, codes with string contents zeroed, depth after each byte), block by block."""
    whole = np.frombuffer(text, np.uint8)
    quotes, depth = 0, 0
    for start in range(0, len(whole), _BLOCK_BYTES):
        codes = whole[start : start + _BLOCK_BYTES]
        opened = quotes + np.cumsum(codes == _QUOTE, dtype=np.int32)
        codes = np.where(opened & 1, np.uint8(0), codes)
        depths = depth + np.cumsum(_STEP[codes], dtype=np.int32)
        quotes, depth = int(opened[-1]) & 1, int(depths[-1])
        yield start, codes, depths
