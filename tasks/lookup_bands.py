"""datasketch's MinHashLSH and MinHashLSHEnsemble over a sorted signature matrix that is mapped from disk.

Both indexes are datasketch's own: they choose bands and rows, cut a query into band keys, ask their hash tables and unite the
answers. Only the tables are ours, by datasketch's storage interface: a table of r rows at permutation p is answered from one
order of the signatures by their value at p, which serves every shape of bands there is. Filling datasketch's dictionaries
instead costs about 300 insertions a signature (the ensemble keeps a table for every band of every number of rows): minutes and
gigabytes for 50,000 passages. Read only.

Sources: Leskovec, Rajaraman, Ullman, ch. 3; Zhu et al. 2016, LSH Ensemble (VLDB 9).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tasks.minhash import SCHEME, U32Matrix
from tasks.store.text import I32Array, I64Array, U32Array

if TYPE_CHECKING:  # half a second, most of it scipy's
    from datasketch import MinHash, MinHashLSH, MinHashLSHEnsemble

_32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)

#: Bands and rows for similar texts. A table costs nothing here, so recall comes first: 0.99 at similarity 0.27, where the
#: default 32 x 4 of matching has 0.16; what comes up by chance is verified away.
SIMILAR = (64, 2)
#: Containment that the ensemble is tuned to, below what is shown, and its weights of false positives and negatives: it finds
#: 0.993 of texts of which 0.8 stand in one up to 20 times as long. Tuned to 0.8 with equal weights it would find 0.14 at 5 times.
CONTAINED, WEIGHTS = 0.6, (0.1, 0.9)
PARTITIONS, MOST_ROWS = 4, 8
#: Sizes are rounded up to steps of this ratio before they are partitioned: datasketch compares all pairs of sizes in Python.
_STEP = 1.06


@dataclass(frozen=True)
class Matrix:
    """n distinct signatures, sorted by size.

    values : (permutations, n) uint32, column i is a signature.
    sorted : (permutations, n) uint64, each permutation's values in order, as value << 32 | column.
    sizes  : (n,) int32, ascending: distinct shingles of the passages that have the signature, of the largest where they differ.
    """

    values: U32Matrix
    sorted: npt.NDArray[np.uint64]
    sizes: I32Array
    _asked: dict[tuple[int, bytes], I32Array] = field(default_factory=dict)

    @staticmethod
    def of(signatures: U32Matrix, sizes: I32Array) -> Matrix:
        """From (n, permutations) signatures, already sorted by size."""
        values = np.ascontiguousarray(signatures.T)
        ordered = np.empty(values.shape, np.uint64)
        columns = np.arange(len(signatures), dtype=np.uint64)
        for row, column in zip(ordered, values, strict=True):
            row[:] = np.sort(column.astype(np.uint64) << _32 | columns)
        return Matrix(values, ordered, sizes)

    def having(self, first: int, key: bytes) -> I32Array:
        """Ascending columns whose values at permutations first, first + 1 ... are the big-endian words of `key`."""
        known = self._asked.get((first, key))
        if known is None:
            known = self._asked[first, key] = self._having(first, np.frombuffer(key, ">u4"))
        return known

    def _having(self, first: int, words: npt.NDArray[Any]) -> I32Array:
        value = int(words[0]) << 32
        low, high = self.sorted[first].searchsorted(np.array([value, value | 0xFFFFFFFF], np.uint64)).tolist()
        found = (self.sorted[first, low:high] & _LOW).astype(np.int32)
        for at in range(1, len(words)):
            if len(found):
                found = found[self.values[first + at][found] == words[at]]
        return found

    def forget(self) -> None:
        """Drop the answers kept for the query before."""
        self._asked.clear()


class Table:
    """One hash table of an index: band key -> columns low..high of the matrix that have it. A `datasketch.storage.UnorderedStorage`."""

    def __init__(self, matrix: Matrix, first: int, rows: int, low: int, high: int) -> None:
        self.matrix, self.first, self.rows, self.low, self.high = matrix, first, rows, low, high
        self._last: tuple[bytes, list[int]] = (b"", [])

    def get(self, key: bytes) -> list[int]:
        """Columns with this key; empty when there is none."""
        if self._last[0] != key:  # datasketch asks first whether a key is there, then for what it holds
            found = self.matrix.having(self.first, key)
            if len(found):
                found = found[found.searchsorted(self.low) : found.searchsorted(self.high)]
            self._last = key, found.tolist()
        return self._last[1]

    def has_key(self, key: bytes) -> bool:
        """Whether some column has this key."""
        return bool(self.get(key))

    __getitem__, __contains__ = get, has_key

    def keys(self) -> Iterator[bytes]:
        """All keys, ascending."""
        yield from self.itemcounts()

    __iter__ = keys

    def size(self) -> int:
        """How many keys there are."""
        return len(self.itemcounts())

    __len__ = size

    def itemcounts(self, **_: Any) -> dict[bytes, int]:
        """How many columns have each key."""
        band = self.matrix.values[self.first : self.first + self.rows, self.low : self.high].T
        keys, counts = np.unique(band, axis=0, return_counts=True)
        return dict(zip((bytes(key.astype(">u4").data) for key in keys), counts.tolist(), strict=True))

    def insert(self, *_: Any, **__: Any) -> None:
        """Refused: the table is what the matrix says."""
        raise TypeError("this index is read only")

    remove = remove_val = insert


def similar(matrix: Matrix, shape: tuple[int, int] = SIMILAR) -> MinHashLSH:
    """datasketch's index for similar signatures; `query` gives columns."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=len(matrix.values), params=shape)
    _fill(index, matrix, 0, len(matrix.sizes))
    return index


def partitions(sizes: I32Array, count: int = PARTITIONS) -> list[tuple[int, int]]:
    """Least and largest size of each partition of the ensemble, by datasketch's optimum over sizes rounded up."""
    from datasketch.lshensemble_partition import optimal_partitions

    steps = np.unique(np.ceil(_STEP ** np.arange(0, 1 + np.log(sizes.max()) / np.log(_STEP))).astype(np.int64))
    rounded, counts = np.unique(steps[np.searchsorted(steps, sizes)], return_counts=True)
    return [(int(lower), int(upper)) for lower, upper in optimal_partitions(rounded, counts, min(count, len(rounded)))]


def ensemble(matrix: Matrix, bounds: list[tuple[int, int]]) -> MinHashLSHEnsemble:
    """datasketch's index for signatures that contain the query's; `query` gives columns. bounds : of `partitions`."""
    from datasketch import MinHashLSHEnsemble

    index = MinHashLSHEnsemble(CONTAINED, num_perm=len(matrix.values), num_part=len(bounds), m=MOST_ROWS, weights=WEIGHTS)
    ends = np.searchsorted(matrix.sizes, [upper for _, upper in bounds], side="right").tolist()
    for number, (tables, low, high) in enumerate(zip(index.indexes, [0, *ends], ends, strict=False)):
        index.lowers[number], index.uppers[number] = bounds[number]
        for table in tables.values():
            _fill(table, matrix, low, high)
    return index


def _fill(index: MinHashLSH, matrix: Matrix, low: int, high: int) -> None:
    from datasketch.storage import UnorderedStorage

    UnorderedStorage.register(Table)
    index.hashtables = [Table(matrix, first, index.r, low, high) for first, _ in index.hashranges]


@dataclass(frozen=True)
class Indexes:
    """Both indexes over one matrix, and an empty sketch whose permutations all queries share."""

    matrix: Matrix
    near: MinHashLSH
    around: MinHashLSHEnsemble
    empty: MinHash

    @staticmethod
    def over(matrix: Matrix, bounds: list[tuple[int, int]], seed: int) -> Indexes:
        """bounds : of `partitions`. seed : of the permutations."""
        from datasketch import MinHash

        return Indexes(matrix, similar(matrix), ensemble(matrix, bounds), MinHash(num_perm=len(matrix.values), seed=seed, scheme=SCHEME))

    def candidates(self, signature: U32Array, size: int) -> I64Array:
        """Ascending columns that may be similar to a set of `size` shingles with this signature, or may contain it."""
        sketch = self.empty.copy()
        sketch.hashvalues = signature
        found = {*self.near.query(sketch), *self.around.query(sketch, size)}
        self.matrix.forget()
        return np.fromiter(sorted(found), np.int64, len(found))
