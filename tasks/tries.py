"""Dictionaries of strings compiled into the flat arrays of `tasks.kernels.tries`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.kernels import tries
from tasks.positions import changed_middle

#: Code points above are in no dictionary (the last block with entries is CJK extension H).
TABLE_SIZE = 0x32400


def compile_trie(pairs: list[tuple[str, str]], cuts: int, also: tuple[set[int], set[int]] = (set(), set())) -> tables.Arrays:
    """Arrays of a `Trie` of (key, output) pairs; keys are distinct, the first `cuts` of them end a segment.

    also : further pairs and triples of characters at which the kernel has to stop.
    Of `info` only the bit LONE is set, for keys of one character: they stand here when they become several.
    """
    info = np.zeros(TABLE_SIZE, np.uint32)
    edges: dict[int, int] = {}
    words: dict[int, int] = {}
    inner: set[int] = set()
    begin = 0
    for number, (key, output) in enumerate(pairs):
        if len(key) == 1:
            info[ord(key)] |= tries.LONE
        steps = [int(tries.ALONE) | ord(key)] if len(key) == 1 else [int(tries.PAIR) | packed(key[:2]), *map(ord, key[2:])]
        node = 0
        for depth, step in enumerate(steps):
            if depth:
                inner.add(node)
            node = edges.setdefault(node << 18 | step if depth else step, len(edges) + 1)
        flags = int(tries.FOUND) | (int(tries.CUTS) if number < cuts else 0)
        words[node] = begin << 18 | len(output) << 10 | changed_middle(key, output)[2] << 2 | flags
        begin += len(output)
    return {
        "info": info,
        "twos": bits({packed(key) for key, _ in pairs if len(key) == 2} | also[0]),
        "threes": bits({packed(key[:3]) for key, _ in pairs if len(key) > 2} | also[1]),
        "edges": _hashed((edge << 24 | node << 1 | (node in inner), words.get(node, 0)) for edge, node in edges.items()),
        "chars": np.array([ord(c) for _, output in pairs for c in output], np.uint32),
    }


def packed(chars: str) -> int:
    """Up to three characters in one number, 18 bits each."""
    packed = 0
    for char in chars:
        packed = packed << 18 | ord(char)
    return packed


def bits(keys: Iterable[int]) -> npt.NDArray[np.uint64]:
    """Two bits a key in one word, a bit in 32 set; at most 2^20 bits (128 KB), since more would not stay in the processor's cache.

    One place in a thousand passes by chance; with the largest dictionaries, one in four hundred.
    """
    chosen = sorted(keys)
    table = np.zeros(max(1, 1 << min(20, (64 * len(chosen)).bit_length()) >> 6), np.uint64)
    for key in chosen:
        mask, word = tries.mask_of(np.uint64(key))
        table[int(word) & (len(table) - 1)] |= np.uint64(mask)
    return table


def _hashed(rows: Iterable[tuple[int, int]]) -> npt.NDArray[np.uint64]:
    """Open table of edges (key and child, word), two thirds full at most; those that come first stand nearer to their place."""
    chosen = list(rows)
    size = 1 << max(4, (len(chosen) * 3 // 2).bit_length())
    table = np.zeros((size, 2), np.uint64)
    for edge, word in chosen:
        slot = int(tries.slot_of(np.uint64(edge >> 24), size))
        while table[slot, 0]:
            slot = (slot + 1) % size
        table[slot] = edge, word
    return table
