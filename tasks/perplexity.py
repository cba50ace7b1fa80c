"""How surprising each passage is to the rest of the corpus: cross-fitted language models, and a scale of passages of its sort.

Documents are dealt to folds by their ids. The model that scores a fold has learned nothing from its documents, nor from any passage
that one of its documents holds too, or holds almost (equal folds, verified pairs). So a text that is repeated a thousand times does
not become ordinary by that. A passage is learned once, however many copies it has.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.index import Index, Part
from tasks.language_model import F64Array, LanguageModel, train
from tasks.quality import tempered
from tasks.settings import Perplexity
from tasks.store.stage import numbers, read_json, read_table, whole, write_json, write_table
from tasks.store.text import BoolArray, F32Array, I64Array, Texts, U8Array

#: Passages of one sort that a scale is taken from; with fewer, a wider sort is.
_ENOUGH = 60
#: Smallest spread of a sort, bits a character: where all passages are alike, nothing near them is strange.
_LEAST_SPREAD = 0.2
#: Characters from which a passage is of the next length class: the mean of few characters scatters more.
_LENGTHS = (8, 16, 32, 64, 128, 256)
#: Form score under which a passage is not learned from.
_LEARNABLE = 0.5


@dataclass(frozen=True)
class Scale:
    """Median and spread of bits a character, by sort of passage: `kind lang length`, wider ones with `*` for what they leave open."""

    places: dict[str, tuple[float, float]]

    def relative(self, bits: F64Array, kinds: U8Array, langs: pa.Array, lengths: I64Array) -> F32Array:
        """(n,) float32, robust standard deviations above the median of the narrowest sort that is known; NaN where bits are NaN."""
        lang, names = _numbered(langs)
        sorts = np.stack([kinds.astype(np.int64), lang, np.searchsorted(_LENGTHS, lengths, side="right")], axis=1)
        distinct, which = np.unique(sorts, axis=0, return_inverse=True)
        found = np.array(
            [self._of(f"{kind}", names[number], f"{length}") for kind, number, length in distinct.tolist()] or np.empty((0, 2))
        )
        place = found[which.reshape(-1)]
        return np.round((bits - place[:, 0]) / place[:, 1], 3).astype(np.float32)

    def _of(self, kind: str, lang: str, length: str) -> tuple[float, float]:
        names = (f"{kind} {lang} {length}", f"* {lang} {length}", f"* * {length}", "* * *")
        return next((self.places[name] for name in names if name in self.places), (np.nan, 1.0))

    @staticmethod
    def of(bits: F64Array, kinds: U8Array, langs: pa.Array, lengths: I64Array) -> Scale:
        """The scale of a population: median, and median distance from it times 1.4826 (the standard deviation, were it normal)."""
        numbered, names = _numbered(langs)
        length = np.searchsorted(_LENGTHS, lengths, side="right")
        every = np.zeros(len(bits), np.int64)
        places: dict[str, tuple[float, float]] = {}
        for columns in ((kinds.astype(np.int64), numbered, length), (every, numbered, length), (every, every, length), (every,) * 3):
            for key, middle, spread, count in _medians(np.stack(columns, axis=1), bits):
                shown = [str(key[0]), names[key[1]], str(key[2])]
                shown = [s if column is not every else "*" for s, column in zip(shown, columns, strict=True)]
                if count >= _ENOUGH or columns[2] is every:
                    places[" ".join(shown)] = (round(middle, 4), round(max(spread, _LEAST_SPREAD), 4))
        return Scale(places)


def _numbered(names: pa.Array) -> tuple[I64Array, list[str]]:
    """Number of each name among the distinct ones, and those."""
    encoded = names.fill_null("und").dictionary_encode()
    return numbers(encoded.indices).astype(np.int64), encoded.dictionary.to_pylist()


def _medians(keys: I64Array, values: F64Array) -> list[tuple[list[int], float, float, int]]:
    """Key, median, 1.4826 times the median distance from it, and number of values, for each distinct row of keys."""
    if not len(values):
        return []
    distinct, which, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    middles = np.cumsum(counts) - counts + counts // 2
    middle = values[np.lexsort((values, which))][middles]
    distance = np.abs(values - middle[which])
    spread = 1.4826 * distance[np.lexsort((distance, which))][middles]
    return list(zip(distinct.tolist(), middle.tolist(), spread.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class Judge:
    """The models of a run and its scale. Empty when the corpus is too small to learn from, or the settings say so."""

    models: list[LanguageModel]
    scale: Scale

    def score(self, texts: Texts, folds: I64Array) -> F64Array:
        """(2, n) bits a character and share of shocks, each row by the model of its fold; NaN without models."""
        out = np.full((2, len(texts)), np.nan)
        for fold, model in enumerate(self.models):
            rows = np.flatnonzero(folds == fold)
            out[:, rows] = model.score(texts.take_spans(texts.offsets[rows], texts.offsets[rows + 1]))
        return out

    def measure(self, passages: pa.Table, docs: pa.Array) -> pa.Table:
        """`columns` of passages; docs : ids of their documents."""
        scored = self.score(Texts.from_arrow(passages["text"]), folds_of(docs, max(len(self.models), 1)))
        return columns(passages, scored, self.scale)

    @staticmethod
    @lru_cache(maxsize=2)
    def load(folder: Path) -> Judge:
        """What `fit` wrote."""
        stored = read_json(folder / "done.json")
        models = [LanguageModel.load(folder / f"fold-{fold}") for fold in range(stored["models"])]
        return Judge(models, Scale({name: (a, b) for name, (a, b) in stored["scale"].items()}))


def perplexity(bits: F64Array) -> F32Array:
    """2 to the bits, four digits after the point: between how many equally likely characters the model would have to choose."""
    return np.round(np.exp2(bits), 4).astype(np.float32)


def folds_of(docs: pa.Array, folds: int) -> I64Array:
    """(n,) fold of each document id: the ids are digests, so their first digits deal evenly."""
    encoded = whole(docs).dictionary_encode()
    fold = np.array([int(name[:8], 16) % folds for name in encoded.dictionary.to_pylist()], np.int64)
    return fold[numbers(encoded.indices)] if len(fold) else np.empty(0, np.int64)


def fit(index: Index, matched: Path, folder: Path, settings: Perplexity, threads: int = 1) -> None:
    """Train the models, measure all passages, and write models, scale and a file of numbers a part into `folder`."""
    n_docs = int(index.doc_base[-1])
    fold = folds_of(index.places(np.arange(n_docs))["doc_id"], settings.folds)[index.doc]
    models = _models(index, matched, fold, settings, threads)
    for number, model in enumerate(models):
        model.save(folder / f"fold-{number}")
    first = np.load(matched / "first.npy")
    scale, scored = _measured(index, Judge(models, Scale({})), fold, first, threads)
    for number, part in enumerate(index.parts):
        mine = scored[:, index.passage_base[number] : index.passage_base[number + 1]]
        write_table(part_file(folder, number), columns(read_table(part.notes / "passages.arrow"), mine, scale))
    write_json(folder / "done.json", {"models": len(models), "scale": scale.places, "grams": sum(m.grams for m in models)})


def columns(passages: pa.Table, scored: F64Array, scale: Scale) -> pa.Table:
    """Columns perplexity, perplexity_z, shock_share and quality of annotated passages; all but the last are null without a model."""
    bits, shocks = scored
    kinds = numbers(passages["kind"])
    lengths = numbers(whole(passages["signals"]).field("char_count")).astype(np.int64)
    above = scale.relative(bits, kinds, whole(passages["lang"]), lengths)
    form = whole(passages["quality"]).to_numpy(zero_copy_only=False)
    return pa.table(
        {
            "perplexity": pa.array(perplexity(bits), mask=np.isnan(bits)),
            "perplexity_z": pa.array(above, mask=np.isnan(bits)),
            "shock_share": pa.array(np.round(shocks, 4).astype(np.float32), mask=np.isnan(bits)),
            "quality": pa.array(tempered(form, above, shocks, kinds), from_pandas=True),
        }
    )


def part_file(folder: Path, number: int) -> Path:
    """Where `fit` leaves what it says of a part."""
    return folder / f"part-{number:05d}.arrow"


def measured(part: Part) -> pa.Table:
    """Annotated passages of a part with the columns that `fit` made of them; its quality takes the place of the form score.

    Without a model its columns are null.
    """
    passages = read_table(part.notes / "passages.arrow")
    if part.measured is None:
        empty = pa.nulls(len(passages), pa.float32())
        return replaced(passages, pa.table(dict.fromkeys(("perplexity", "perplexity_z", "shock_share"), empty)))
    return replaced(passages, read_table(part.measured))


def replaced(passages: pa.Table, measured: pa.Table) -> pa.Table:
    """Passages with measured columns in the place of their own of the same name, or behind."""
    for name in measured.column_names:
        passages = passages.drop_columns([name]) if name in passages.column_names else passages
        passages = passages.append_column(name, whole(measured[name]))
    return passages


def _models(index: Index, matched: Path, fold: I64Array, settings: Perplexity, threads: int) -> list[LanguageModel]:
    """A model a fold; none when one of them would have too little to learn from."""
    chosen = [_learned(index, matched, fold, number, settings) for number in range(settings.folds)] if settings.on else []
    if not chosen or min(chars for _, chars in chosen) < settings.min_chars:
        return []

    def one(rows: I64Array) -> LanguageModel:
        return train(_texts(index, rows), order=settings.order, min_counts=(1, 1, settings.min_count))

    with ThreadPoolExecutor(min(threads, settings.folds)) as pool:
        return list(pool.map(one, [rows for rows, _ in chosen]))


def _learned(index: Index, matched: Path, fold: I64Array, number: int, settings: Perplexity) -> tuple[I64Array, int]:
    """Passages that the model of a fold learns from, ascending, and their characters: those with the smallest digests, up to the bound."""
    first = np.load(matched / "first.npy")
    barred = seen_in(np.load(matched / "classes.npy"), len(first), read_table(matched / "pairs.arrow"), fold == number)
    sound = _column(index, "quality") >= _LEARNABLE
    rows = first[~barred & sound[first]]
    lengths = _lengths(index)[rows] + 1
    order = np.argsort(index.column("match", "fold").astype(np.uint64)[rows] * np.uint64(0x9E3779B97F4A7C15), kind="stable")
    within = order[np.cumsum(lengths[order]) <= settings.train_chars]
    return np.sort(rows[within]), int(lengths[within].sum())


def seen_in(classes: npt.NDArray[np.int32], count: int, pairs: pa.Table, inside: BoolArray) -> BoolArray:
    """(classes,) bool: whether a class, or one that it is a verified pair with, has a member among the passages `inside`."""
    own = np.zeros(count, np.bool_)
    own[classes[inside & (classes >= 0)]] = True
    seen = own.copy()
    a, b = numbers(pairs["a"]), numbers(pairs["b"])
    np.logical_or.at(seen, a, own[b])
    np.logical_or.at(seen, b, own[a])
    return seen


def _texts(index: Index, rows: I64Array) -> Texts:
    """Published texts of passages, ascending, part by part: only those are read."""
    pieces = [np.empty(0, np.uint32)]
    lengths = [np.zeros(1, np.int64)]
    part = index.part_of(rows)
    for number in np.unique(part).tolist():
        table = read_table(index.parts[number].notes / "passages.arrow")
        texts = Texts.from_arrow(whole(table["text"]).take(pa.array(rows[part == number] - index.passage_base[number])))
        pieces.append(texts.chars)
        lengths.append(texts.lengths)
    return Texts(np.concatenate(pieces), np.cumsum(np.concatenate(lengths)))


def _column(index: Index, name: str) -> npt.NDArray[np.float32]:
    """A number column of passages that may have nulls: those become 0."""
    tables = [read_table(part.notes / "passages.arrow")[name] for part in index.parts]
    return np.concatenate([whole(column).fill_null(0).to_numpy(zero_copy_only=False) for column in tables] or [np.empty(0, np.float32)])


def _lengths(index: Index) -> I64Array:
    """(passages,) characters of the published texts."""
    tables = [whole(read_table(part.notes / "passages.arrow")["signals"]).field("char_count") for part in index.parts]
    return np.concatenate([numbers(column) for column in tables] or [np.empty(0)]).astype(np.int64)


def _measured(index: Index, judge: Judge, fold: I64Array, first: I64Array, threads: int) -> tuple[Scale, F64Array]:
    """The scale of the first members of all classes, and what the models say of all passages, (2, passages)."""

    def one(number: int) -> F64Array:
        texts = Texts.from_arrow(read_table(index.parts[number].notes / "passages.arrow")["text"])
        return judge.score(texts, fold[index.passage_base[number] : index.passage_base[number + 1]])

    with ThreadPoolExecutor(threads) as pool:
        scored = np.concatenate([np.empty((2, 0)), *pool.map(one, range(len(index.parts)))], axis=1)
    if not judge.models:
        return Scale({}), scored
    langs = pa.concat_arrays([whole(read_table(part.notes / "passages.arrow")["lang"]) for part in index.parts])
    kinds = index.column("passages", "kind").astype(np.uint8)
    rows = np.sort(first)
    return Scale.of(scored[0][rows], kinds[rows], langs.take(pa.array(rows)), _lengths(index)[rows]), scored
