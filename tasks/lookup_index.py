"""What `taosha lookup` asks: every published span with its text and fold, and the signatures in order, prepared once a snapshot.

Prepared from the published tables alone and kept under `work/lookup/` as plain arrays that are mapped when asked; nothing in
them is executed when loaded. Files whose digests do not fit, or of another snapshot or version, are made anew.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from tasks.errors import StorageError, UsageError
from tasks.job import code_digest, packages_digest
from tasks.lookup_bands import Matrix, partitions
from tasks.lookup_fold import clean_texts, fold_digests, row_digests
from tasks.manifest import SUMS
from tasks.minhash import U32Matrix, passport, sign
from tasks.publish import SNAPSHOTS
from tasks.segment import KINDS
from tasks.settings import Settings
from tasks.shingles import shingle_sets
from tasks.signatures import passport_of
from tasks.store import stage
from tasks.store.schemas import PLACE
from tasks.store.tables import iter_batches
from tasks.store.text import I32Array, I64Array, Texts, U64Array

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
log = logging.getLogger("taosha")

_SHOWN = ["passage_id", "parent_id", *(field.name for field in PLACE)]
_OF_REMOVED = ["reason", "category", "rule", "kept_passage_id"]
#: What is known of a span. `text` is clean: what matching folds, before script conversion.
SPAN = pa.schema(
    [
        ("kept", pa.bool_()), ("passage_id", pa.string()), ("parent_id", pa.string()), *((field.name, field.type) for field in PLACE),
        *((name, pa.string()) for name in _OF_REMOVED), ("text", pa.string()),
    ]
)  # fmt: skip
_SPANS, _ARRAYS = "spans.arrow", ("fold", "fold_order", "values", "sorted", "sizes", "bounds", "member_of", "members")
_FILES = (_SPANS, *(f"{name}.npy" for name in _ARRAYS))
#: Signatures made again when an index is prepared, to see that this version folds and signs as the snapshot was.
_PROBED = 256


@dataclass(frozen=True)
class Known:
    """Everything that stands in a snapshot.

    spans      : table SPAN, the kept ones first, both groups in published order.
    fold       : (spans,) uint64, digest of each span's fold, 0 where nothing folds.
    fold_order : (spans,) int64, stable order of `fold`.
    matrix     : distinct signatures. bounds : the ensemble's partitions, none when there are no signatures.
    members    : (m,) int64, spans by signature: those of signature i are members[member_of[i] : member_of[i + 1]].
    """

    spans: pa.Table
    fold: U64Array
    fold_order: I64Array
    matrix: Matrix
    bounds: list[tuple[int, int]]
    member_of: I64Array
    members: I64Array

    def at(self, rows: I64Array, names: list[str]) -> list[dict[str, Any]]:
        """Columns of some spans, in the order of `rows`. Only their batches are touched: Arrow's own take would join all texts first."""
        batches = self.spans.select(names).to_batches()
        starts = np.cumsum([0, *(len(batch) for batch in batches)])
        batch_of = np.searchsorted(starts, rows, side="right") - 1
        out: list[Any] = [None] * len(rows)
        for number in np.unique(batch_of).tolist():
            where = np.flatnonzero(batch_of == number)
            for place, row in zip(where.tolist(), batches[number].take(pa.array(rows[where] - starts[number])).to_pylist(), strict=True):
                out[place] = row
        return out


def open_index(snapshot: Path, settings: Settings) -> Known:
    """The index of a snapshot: from its work folder, else prepared and left there.

    Raises UsageError when the snapshot has no signatures, or such as this version would make differently.
    """
    stated = passport_of(snapshot)
    if stated is None:
        raise UsageError(
            f"snapshot {snapshot.name} holds no signatures to look up: set `publish.signatures = true` in taosha.toml, then run `taosha run`"
        )
    folder = _folder(snapshot)
    if folder is not None:
        with suppress(Exception):  # whatever is wrong with it, it is made anew
            return _load(folder)
    expected = passport(settings.matching)
    if odd := sorted(key for key in stated.keys() | expected.keys() if stated.get(key) != expected.get(key)):
        raise UsageError(
            f"the signatures of snapshot {snapshot.name} differ from what this version makes ({', '.join(odd)}); run `taosha run` again"
        )
    if folder is not None:
        try:
            return _make(snapshot, settings, folder)
        except OSError as error:
            log.warning("the index of snapshot %s cannot be kept for the next lookup: %s", snapshot.name, error)
    with tempfile.TemporaryDirectory() as place:  # its files stay mapped after they are gone
        return _make(snapshot, settings, Path(place) / "index")


def _folder(snapshot: Path) -> Path | None:
    """Where the index of a snapshot stands; None when the snapshot lies outside an output folder."""
    if snapshot.parent.name != SNAPSHOTS:
        return None
    try:
        sums = hashlib.sha256((snapshot / SUMS).read_bytes()).hexdigest()
    except OSError as error:
        raise StorageError(f"{snapshot / SUMS}: cannot be read ({error})") from error
    return snapshot.parents[1] / "work" / "lookup" / stage.key("lookup", sums, code_digest(), packages_digest())


def _make(snapshot: Path, settings: Settings, folder: Path) -> Known:
    """Prepare the index in `folder`, in place of any other that stands beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    with stage.building(folder) as hidden:
        _prepare(snapshot, settings, hidden)
    for other in folder.parent.iterdir():
        if other != folder and not other.name.startswith("."):
            shutil.rmtree(other, ignore_errors=True)
    return _load(folder)


# --- Load -----------------------------------------------------------------------------------------------------------------


def _load(folder: Path) -> Known:
    """The index in a folder, mapped. Raises ValueError, or what reading raises, unless every file is as it was written."""
    done = stage.read_json(folder / "done.json")
    for name in _FILES:
        if _digest(folder / name) != done[name]:
            raise ValueError(f"{folder / name} is not what was written")
    array = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)) for name in _ARRAYS}
    return Known(
        stage.read_table(folder / _SPANS),
        array["fold"],
        array["fold_order"],
        Matrix(array["values"], array["sorted"], array["sizes"]),
        [(lower, upper) for lower, upper in array["bounds"].tolist()],
        array["member_of"],
        array["members"],
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Prepare --------------------------------------------------------------------------------------------------------------


def _prepare(snapshot: Path, settings: Settings, folder: Path) -> None:
    """Files of the index."""
    fold = _write_spans(snapshot, settings, folder / _SPANS)
    spans = stage.read_table(folder / _SPANS)
    owners, signatures, counts = _signatures(snapshot, settings)
    distinct, of_row = _distinct(signatures, counts)
    _probe(snapshot, spans, owners, signatures, settings)
    owner = pc.index_in(pc.coalesce(spans["parent_id"], spans["passage_id"]), value_set=owners)
    of_span = np.append(of_row, -1)[owner.fill_null(len(of_row)).to_numpy()]
    members = np.argsort(of_span, kind="stable")[np.count_nonzero(of_span < 0) :]
    member_of = np.searchsorted(of_span[members], np.arange(len(distinct) + 1))
    sizes = np.zeros(len(distinct), np.int32)
    np.maximum.at(sizes, of_row, counts)
    matrix = Matrix.of(signatures[distinct], sizes)
    arrays: dict[str, npt.NDArray[Any]] = {
        "values": matrix.values, "sorted": matrix.sorted, "sizes": sizes, "member_of": member_of.astype(np.int64), "members": members,
        "fold": fold, "fold_order": np.argsort(fold, kind="stable"),
        "bounds": np.array(partitions(sizes) if len(sizes) else [], np.int64).reshape(-1, 2),
    }  # fmt: skip
    for name in _ARRAYS:
        stage.write_array(folder / f"{name}.npy", arrays[name])
    stage.write_json(folder / "done.json", {name: _digest(folder / name) for name in _FILES})


def _write_spans(snapshot: Path, settings: Settings, path: Path) -> U64Array:
    """Write the table SPAN, a batch at a time; the digest of each span's fold."""
    digests = [np.zeros(0, np.uint64)]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SPAN) as writer:
        for rows in _spans(snapshot, settings):
            writer.write_batch(rows)
            digests.append(fold_digests(Texts.from_arrow(rows["text"])))
    return np.concatenate(digests)


def _spans(snapshot: Path, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Rows of SPAN: all kept spans, then all removed ones."""
    for batch in iter_batches(snapshot, "passages", [*_SHOWN, "kind", "text", "raw", "edits"]):
        text = batch["text"]
        converted = _converted(batch["edits"])  # what only conversion parts from the clean text is cleaned again from the source
        if len(converted):
            rows = pa.array(converted)
            again = _clean(pc.coalesce(batch["raw"], text).take(rows), batch["kind"].take(rows), settings)
            text = pc.replace_with_mask(text, pa.array(np.isin(np.arange(len(text)), converted)), again)
        yield _span(batch, kept=True, text=text)
    for batch in iter_batches(snapshot, "removed", [*_SHOWN, *_OF_REMOVED, "kind", "raw"]):
        yield _span(batch, kept=False, text=_clean(batch["raw"], batch["kind"], settings))


def _span(batch: pa.RecordBatch, *, kept: bool, text: pa.Array) -> pa.RecordBatch:
    columns = {"kept": pa.array(np.full(len(text), kept)), "text": text}
    columns |= {name: pa.nulls(len(text), pa.string()) for name in _OF_REMOVED}
    columns |= {name: batch[name] for name in batch.schema.names if name in SPAN.names and name != "text"}
    return pa.record_batch([columns[name] for name in SPAN.names], schema=SPAN)


def _converted(edits: pa.ListArray) -> I64Array:
    """Rows whose text was converted to another script."""
    names = edits.flatten().field("name")
    return np.unique(pc.list_parent_indices(edits).filter(pc.equal(names, "script")).to_numpy())


def _clean(raw: pa.Array, kinds: pa.Array, settings: Settings) -> pa.Array:
    numbers = pc.index_in(kinds, value_set=pa.array(KINDS)).fill_null(len(KINDS)).to_numpy().astype(np.uint8)
    return clean_texts(Texts.from_arrow(raw), numbers, settings).to_arrow()


def _signatures(snapshot: Path, settings: Settings) -> tuple[pa.Array, U32Matrix, I32Array]:
    """Passage ids, (n, permutations) signatures and shingle counts of the published table."""
    width = settings.matching.permutations
    owners, counts = [pa.array([], pa.string())], [np.zeros(0, np.int32)]
    signatures = [np.zeros((0, width), np.uint32)]
    for batch in iter_batches(snapshot, "signatures", ["passage_id", "shingle_count", "signature"]):
        owners.append(batch["passage_id"])
        counts.append(batch["shingle_count"].to_numpy())
        signatures.append(batch["signature"].flatten().to_numpy().reshape(-1, width).astype(np.uint32))
    return pa.concat_arrays(owners), np.concatenate(signatures), np.concatenate(counts)


def _distinct(signatures: U32Matrix, counts: I32Array) -> tuple[I64Array, I64Array]:
    """One row of each distinct signature, those of fewer shingles first, and the place of each row's signature among them."""
    width = signatures.shape[1]
    digests = [np.zeros(0, np.uint64)]
    for at in range(0, len(signatures), 1 << 14):
        rows = signatures[at : at + (1 << 14)]
        digests.append(row_digests(rows.reshape(-1), np.arange(len(rows) + 1, dtype=np.int64) * width))
    _, first, of_row = np.unique(np.concatenate(digests), return_index=True, return_inverse=True)
    sizes = np.zeros(len(first), np.int32)
    np.maximum.at(sizes, of_row, counts)
    order = np.lexsort((first, sizes))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[of_row]


def _probe(snapshot: Path, spans: pa.Table, owners: pa.Array, signatures: U32Matrix, settings: Settings) -> None:
    """Sign some kept spans again. Raises StorageError unless the published signatures come out."""
    where = pc.index_in(spans["passage_id"], value_set=owners).combine_chunks()
    rows = np.flatnonzero(pc.and_(spans["kept"], pc.is_valid(where)).to_numpy())
    rows = rows[:: max(1, len(rows) // _PROBED)]
    if not len(rows):
        return
    values, offsets = shingle_sets(Texts.from_arrow(spans["text"].take(pa.array(rows))), settings.matching)
    again = sign(values, offsets, settings.matching)
    if not np.array_equal(again, signatures[where.take(pa.array(rows)).to_numpy()]):
        raise StorageError(f"{snapshot}: the signatures do not fit the passages; `taosha verify` says whether the snapshot is damaged")
