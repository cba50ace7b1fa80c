"""Surprise by the rest of the corpus: who may teach whom, the scale of a sort, and where there is too little to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import World

from tasks import perplexity, stages
from tasks.settings import Perplexity
from tasks.store.stage import read_json, read_table

CLAUSES = (
    *("淘金的人把河沙舀进浅盘", "水里的细砾轻轻地摇晃", "重的金粒留在盘底不动", "清早的雾还没有从山谷散去", "船工在石滩边上补一张旧网"),
    *("孩子们沿着河岸拾捡石英", "一封家信在路上走了三个月", "掌柜用小秤称过每一粒金沙", "夜里的雨把木槽冲到下游", "老人说上游从前有一座庙"),
    *("茶棚里坐满了过河的挑夫", "春天的水比秋天的更浑浊", "他们在岩壁上刻下了年份", "铁匠替人修好断掉的锄头", "大雪封住了翻山的小路"),
)
#: Texts of five clauses each: alike in their words, and no two near duplicates.
TALES = ["，".join(CLAUSES[(start * k + start) % 15] for k in range(1, 6)) + "。" for start in (1, 2, 4, 7, 8, 11, 13, 14)] + [
    "，".join(np.random.default_rng(seed).permutation(CLAUSES)[:4].tolist()) + "。" for seed in range(16)
]
SHARED = "本期节目由虚构的浅盘工坊赞助播出，结账时报上节目的名字，就可以得到一只小小的铜盘。"


def world(folder: Path, **values: object) -> World:
    files = {f"{n:02d}.txt": f"{tale}\n\n{SHARED}\n" for n, tale in enumerate(TALES)}
    return World.of(folder, files, perplexity={"min_chars": 0, **values})


def test_no_model_learned_from_a_document_it_scores_nor_from_its_copies(tmp_path: Path) -> None:
    made = world(tmp_path)
    asked = Perplexity(min_chars=0)
    folds = perplexity.folds_of(made.index.places(np.arange(len(TALES)))["doc_id"], 2)[made.index.doc]
    assert set(folds.tolist()) == {0, 1}
    for fold in (0, 1):
        rows, chars = perplexity._learned(made.index, Path(made.counters["folder"]), folds, fold, asked)
        learned = [made.texts[i] for i in rows.tolist()]
        theirs = [text for text, own in zip(made.texts, folds, strict=True) if own == fold]
        assert learned
        assert not set(learned) & set(theirs)
        assert SHARED not in learned  # it stands in documents of both folds
        assert chars == sum(len(text) + 1 for text in learned)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-1, 4), min_size=1, max_size=12), st.data())
def test_a_class_is_barred_by_its_own_members_and_by_its_partners(classes: list[int], data: st.DataObject) -> None:
    inside = data.draw(st.lists(st.booleans(), min_size=len(classes), max_size=len(classes)))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4))
    own = {c for c, i in zip(classes, inside, strict=True) if i and c >= 0}
    expected = [c in own or any(c in pair and (pair[0] in own or pair[1] in own) for pair in pairs) for c in range(5)]
    table = pa.table({"a": pa.array([a for a, _ in pairs], pa.int32()), "b": pa.array([b for _, b in pairs], pa.int32())})
    assert perplexity.seen_in(np.array(classes, np.int32), 5, table, np.array(inside)).tolist() == expected


def test_a_shuffled_passage_is_the_most_surprising_of_its_corpus(tmp_path: Path) -> None:
    shuffled = "".join(np.random.default_rng(3).permutation(list(TALES[0])).tolist())
    made = World.of(tmp_path, {f"{n:02d}.txt": tale for n, tale in enumerate([*TALES, shuffled])}, perplexity={"min_chars": 0})
    rows = made.tables["passages"]
    assert max(rows, key=lambda row: row["perplexity"])["text"] == shuffled
    assert all(row["perplexity"] >= 1 and row["perplexity_z"] is not None for row in rows)


def test_numbers_do_not_depend_on_threads(tmp_path: Path) -> None:
    made = world(tmp_path)
    for threads in (1, 3):
        (tmp_path / str(threads)).mkdir()
        perplexity.fit(made.index, Path(made.counters["folder"]), tmp_path / str(threads), Perplexity(min_chars=0), threads)
    names = sorted(p.relative_to(tmp_path / "1") for p in (tmp_path / "1").rglob("*.*") if p.suffix in (".arrow", ".npy", ".json"))
    assert len(names) >= 4
    assert all((tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes() for name in names)


@pytest.mark.parametrize("values", [{"min_chars": 100_000}, {"on": False}])
def test_too_small_a_corpus_and_a_switch_leave_the_form_alone(tmp_path: Path, values: dict[str, object]) -> None:
    rows = world(tmp_path, **values).tables["passages"]
    assert rows
    assert all(row["perplexity"] is None and row["perplexity_z"] is None and row["quality"] > 0 for row in rows)


def test_learning_stops_at_the_bound_and_takes_the_same_passages_in_any_company(tmp_path: Path) -> None:
    made = world(tmp_path)
    folds = np.zeros(len(made.index.doc), np.int64)
    some, chars = perplexity._learned(made.index, Path(made.counters["folder"]), folds, 1, Perplexity(min_chars=0))
    few, fewer = perplexity._learned(
        made.index, Path(made.counters["folder"]), folds, 1, Perplexity.model_construct(train_chars=chars // 2)
    )
    assert fewer <= chars // 2
    assert set(few.tolist()) < set(some.tolist())


def test_scale_is_median_and_spread_of_the_narrowest_sort_with_enough_members() -> None:
    bits = np.concatenate([np.linspace(1, 3, 101), np.linspace(7, 9, 101), [5.0]])
    kinds = np.zeros(203, np.uint8)
    langs = pa.array(["zh-Hans"] * 101 + ["en"] * 102)
    lengths = np.array([40] * 202 + [300])
    scale = perplexity.Scale.of(bits, kinds, langs, lengths)
    assert scale.places["0 zh-Hans 3"] == (2.0, pytest.approx(1.4826 / 2))
    assert scale.places["0 en 3"][0] == 8.0
    assert "0 en 6" not in scale.places
    z = scale.relative(np.array([2.0, 8.0 + 1.4826 / 2, np.nan]), kinds[:3], pa.array(["zh-Hans", "en", "en"]), lengths[:3])
    assert z[:2].tolist() == [0, 1]
    assert np.isnan(z[2])


def test_what_is_left_of_a_cut_passage_is_measured_by_the_model_of_its_fold(tmp_path: Path) -> None:
    made = World.of(tmp_path, {f"{n:02d}.txt": tale for n, tale in enumerate(TALES)}, perplexity={"min_chars": 0})
    model = Path(stages.model(made.job, made.parts, made.counters)["model"])
    assert read_json(model / "done.json")["models"] == 2
    passages = read_table(Path(made.parts[0].notes) / "passages.arrow")
    docs = made.index.places(made.index.doc)["doc_id"]
    again = perplexity.Judge.load(model).measure(passages, docs)
    assert again.equals(read_table(perplexity.part_file(model, 0)))
