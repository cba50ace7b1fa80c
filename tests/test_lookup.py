"""`taosha lookup` finds what was planted, says nothing that is not exactly so, and is safe to print."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import whole
from matching_world import edited, paragraph, sentence
from opencc import OpenCC
from rich.console import Console
from test_cli import ask

from tasks.errors import UsageError
from tasks.exact import jaccard
from tasks.explain import explain
from tasks.lookup import Answer, Found, Search, lookup
from tasks.lookup_compare import HOLDS, INSIDE, PART, SAME, SIMILAR
from tasks.lookup_index import open_index
from tasks.lookup_query import LONGEST_PART, parts, read
from tasks.lookup_query import PART as LEAST_PART
from tasks.lookup_text import render
from tasks.settings import Settings
from tasks.shingles import shingle_sets
from tasks.store.text import Texts

SETTINGS = Settings()
HOSTILE = "[red]滩上的[/red]\x1b[2J\u202e石头\x07\x9b31m都很圆"
ENGLISH = [
    "the",
    "river",
    "keeps",
    "what",
    "the",
    "sand",
    "lets",
    "go",
    "and",
    "every",
    "pan",
    "tells",
    "a",
    "different",
    "story",
    "about",
    "gold",
]
COUNT = 40


def mixed(rng: np.random.Generator) -> str:
    """A paragraph in two languages."""
    return "".join(sentence(rng, 12) + " ".join(rng.choice(ENGLISH, 6)) + ", " for _ in range(6))


def turned(text: str) -> str:
    """A copy that says the same: two characters have changed places, as a hurried typist does."""
    at = next(at for at in range(12, len(text)) if text[at - 2 : at + 4].isalnum() and text[at] != text[at + 1])
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


class Planted:
    """A corpus through a real run: long and short paragraphs, copies of some, and what the tests ask for."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(20)
        self.rng, self.hant = rng, OpenCC("s2t").convert
        self.long = {f"long/{n:02}.txt": paragraph(rng, 400) for n in range(COUNT)}
        self.short = {f"short/{n:02}.txt": paragraph(rng, int(rng.integers(60, 200))) for n in range(COUNT)}
        self.mixed = {f"mixed/{n:02}.txt": mixed(rng) for n in range(COUNT)}
        sources = {
            **self.long, **self.short, **self.mixed,
            "z-mirror/edited.txt": turned(self.short["short/00.txt"]),
            "z-mirror/hant.txt": self.hant(self.short["short/01.txt"]),
            **{f"titles/{n:02}.md": f"# 摇沙的人\n\n{paragraph(rng, 80)}" for n in range(9)},
            "hostile/page.txt": f"{HOSTILE}，{paragraph(rng, 40)}",
        }  # fmt: skip
        for name, text in sources.items():
            path = folder / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        (folder / "taosha.toml").write_text("[publish]\nsignatures = true\n", encoding="utf-8")
        self.run = whole.run([folder / "in"], folder / "out", folder / "taosha.toml")
        self.sources = sources
        self.search = Search(open_index(self.run.snapshot, SETTINGS), SETTINGS.matching)

    def ask(self, text: str, limit: int = 20) -> Found:
        return self.search.answer(read(text, SETTINGS)[1], limit)[0]

    def recall(self, queries: dict[str, str]) -> float:
        """Share of the queries, by the source that each was made from, for which that source is among the places."""
        return float(np.mean([source in {place.span["source"] for place in self.ask(text).places} for source, text in queries.items()]))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("planted"))


# ---- recall --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["long", "short", "mixed"])
def test_a_verbatim_and_a_traditional_copy_are_always_found_and_called_the_same(planted: Planted, group: str) -> None:
    for source, text in getattr(planted, group).items():
        for asked in (text, planted.hant(text), text.replace("。", " ！\n")):
            places = planted.ask(asked).places
            assert [place.compared.how for place in places if place.span["source"] == source] == [SAME]


@pytest.mark.parametrize("group", ["long", "short", "mixed"])
def test_a_copy_with_five_percent_of_its_characters_edited_is_found(planted: Planted, group: str) -> None:
    assert planted.recall({source: edited(planted.rng, text, 0.05) for source, text in getattr(planted, group).items()}) >= 0.97


def test_sentences_out_of_a_long_paragraph_are_found(planted: Planted) -> None:
    """60 characters of 400, verbatim and in the other script."""
    picked = {source: "。".join(text.split("。")[3:6]) for source, text in planted.long.items()}
    assert {len(text) for text in picked.values()} == {62}
    assert planted.recall(picked) >= 0.97
    assert planted.recall({source: planted.hant(text) for source, text in picked.items()}) >= 0.97
    places = planted.ask(picked["long/07.txt"]).places
    assert [(place.compared.how, place.span["source"]) for place in places] == [(INSIDE, "long/07.txt")]


def test_a_paragraph_with_unrelated_text_around_it_is_found(planted: Planted) -> None:
    rng = planted.rng
    around = {source: paragraph(rng, 200) + text + paragraph(rng, 200) for source, text in planted.short.items()}
    assert planted.recall(around) >= 0.97
    assert planted.recall({source: planted.hant(text) for source, text in around.items()}) >= 0.97
    (place,) = planted.ask(around["short/09.txt"]).places
    assert place.compared.how == HOLDS


def test_a_sentence_that_two_texts_share_is_found_as_a_part(planted: Planted) -> None:
    """80 characters, in a paragraph of 400 there and among 300 unrelated ones here: neither holds the other."""
    rng = planted.rng
    shared = {source: "。".join(text.split("。")[4:8]) + "。" for source, text in planted.long.items()}
    queries = {source: paragraph(rng, 150) + text + paragraph(rng, 150) for source, text in shared.items()}
    assert planted.recall(queries) >= 0.97
    (place,) = planted.ask(queries["long/03.txt"]).places
    assert place.compared.how == PART
    assert place.compared.part is not None
    assert set(place.compared.part) <= set(shared["long/03.txt"])
    assert place.compared.part_containment == 1.0


def test_unrelated_text_is_not_found(planted: Planted) -> None:
    for size in (10, 60, 200, 800):
        for _ in range(10):
            found = planted.ask(paragraph(planted.rng, size))
            assert (found.places, found.total, found.capped) == ([], 0, False)


# ---- exactness -----------------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_place_is_exact(planted: Planted) -> None:
    rng = planted.rng
    seen = set()
    for text in [*planted.short.values()][:12]:
        half = "。".join(text.split("。")[: max(1, text.count("。") // 2)])
        for asked in (edited(rng, text, 0.1), half + paragraph(rng, 30), paragraph(rng, 400) + text, half):
            for place in planted.ask(asked).places:
                one = place.compared
                ours, theirs = ({*shingle_sets(Texts.of([words]), SETTINGS.matching)[0].tolist()} for words in (asked, place.span["text"]))
                assert one.similarity == pytest.approx(len(ours & theirs) / len(ours | theirs), abs=1e-4)
                assert one.containment_query == pytest.approx(len(ours & theirs) / len(ours), abs=1e-4)
                assert one.containment_place == pytest.approx(len(ours & theirs) / len(theirs), abs=1e-4)
                assert one.similarity == pytest.approx(
                    jaccard(Texts.of([asked]), Texts.of([place.span["text"]]), SETTINGS.matching)[0], abs=1e-4
                )
                assert one.how != SIMILAR or one.similarity >= SETTINGS.matching.report_threshold
                assert one.how != INSIDE or one.containment_query >= SETTINGS.matching.containment_threshold
                assert one.how != HOLDS or one.containment_place >= SETTINGS.matching.containment_threshold
                seen.add(one.how)
    assert seen >= {SIMILAR, INSIDE, HOLDS}


def test_a_place_is_that_of_the_row_it_names(planted: Planted) -> None:
    rows = {row["passage_id"]: row for row in (*planted.run.rows("passages"), *planted.run.rows("removed"))}
    for source in ("long/01.txt", "short/00.txt", "short/01.txt", "mixed/02.txt"):
        for place in planted.ask(planted.sources[source]).places:
            row = rows[place.span["passage_id"]]
            assert {name: value for name, value in place.span.items() if name in row and name != "text"}.items() <= row.items()
            assert place.span["kept"] == ("reason" not in row)


def test_a_removed_place_names_the_kept_one(planted: Planted) -> None:
    for source, mirror in (("short/00.txt", "z-mirror/edited.txt"), ("short/01.txt", "z-mirror/hant.txt")):
        kept, removed = planted.ask(planted.sources[source]).places
        assert (kept.span["source"], kept.span["kept"], kept.twin) == (source, True, None)
        assert (removed.span["source"], removed.span["kept"]) == (mirror, False)
        assert removed.span["reason"] in ("near_duplicate", "exact_duplicate")
        assert removed.twin is not None
        assert removed.twin["passage_id"] == kept.span["passage_id"] == removed.span["kept_passage_id"]


def test_every_id_can_be_explained(signed_run: whole.Run) -> None:
    """On the sample corpus, where passages were cut and removed for every kind of reason."""
    rows = [*signed_run.rows("passages"), *signed_run.rows("removed")]
    picked = {row.get("reason", "kept") + str(bool(row["parent_id"])): row["raw"] or row["text"] for row in rows}
    assert len(picked) > 6
    for text in picked.values():
        found = lookup(signed_run.snapshot, text, 2).passages[0]
        assert found.places
        for place in found.places:
            assert explain(signed_run.snapshot, place.span["passage_id"][:12]).row["passage_id"] == place.span["passage_id"]


def test_what_is_not_compared_is_said(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    text = edited(planted.rng, planted.short["short/00.txt"], 0.03)  # near the kept one and its mirror
    both = planted.ask(text)
    assert (both.total, both.capped) == (2, False)
    monkeypatch.setattr("tasks.lookup.MOST_COMPARED", 1)
    one = planted.ask(text)
    assert (one.total, one.capped, one.places) == (1, True, both.places[:1])
    assert "there may be further places" in shown(Answer("s", "text", [one]))


def test_an_equal_digest_of_another_fold_is_not_shown(planted: Planted) -> None:
    known = planted.search.known
    sources = known.spans["source"].to_pylist()
    fold = known.fold.copy()
    fold[sources.index("short/07.txt")] = fold[sources.index("short/08.txt")]
    search = Search(replace(known, fold=fold, fold_order=np.argsort(fold, kind="stable")), SETTINGS.matching)
    for first, other in (("short/07.txt", "short/08.txt"), ("short/08.txt", "short/07.txt")):
        (found,) = search.answer(read(planted.short[first], SETTINGS)[1], 9)
        assert other not in {place.span["source"] for place in found.places}
        assert found.total == len(found.places)


def test_short_text_is_found_where_it_stands_word_for_word(planted: Planted) -> None:
    found = planted.ask("搖沙的人", limit=4)
    assert (found.total, len(found.places), found.short) == (9, 4, True)
    assert {place.compared.how for place in found.places} == {SAME}
    sources = [place.span["source"] for place in found.places]
    assert sources == sorted(sources)
    assert planted.ask("摇沙的船").places == []


def test_code_and_separators_do_not_trouble_it(planted: Planted) -> None:
    for odd in ("***", "——", "🎉🎉", "a", "\x00", "def f(x): return x + 1", "１２３", "\ufeff摇"):
        assert planted.ask(odd).places == []


def test_parts_together_are_the_text() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        text = "".join(rng.choice(list("山水。！.? \n；a，"), int(rng.integers(0, 400)), p=[0.5, 0.2, *[0.03] * 8, 0.06]))
        pieces = parts(text)
        assert "".join(pieces) == text
        assert all(LEAST_PART <= len(piece) < LONGEST_PART for piece in pieces[:-1])
        assert all(len(piece) < LONGEST_PART + LEAST_PART for piece in pieces)


# ---- queries -------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_cut_and_compared_like_a_source(planted: Planted, tmp_path: Path) -> None:
    path = tmp_path / "new.md"
    text = planted.hant(planted.short["short/05.txt"])
    path.write_text(f"---\ntitle: 试\n---\n\n# 摇沙的人\n\n{text}\n\n{paragraph(planted.rng, 90)}\n", encoding="utf-16")
    answer = lookup(planted.run.snapshot, str(path), 2)
    by_line = {found.asked.place["line_start"]: found for found in answer.passages if found.asked.place}
    assert answer.query == str(path)
    assert [place.span["source"] for place in by_line[7].places] == ["short/05.txt"]
    assert by_line[5].total == 9
    assert by_line[9].places == []
    assert by_line[7].asked.place is not None
    assert by_line[7].asked.place["char_end"] - by_line[7].asked.place["char_start"] == len(text)


def test_a_source_of_the_snapshot_finds_itself(signed_run: whole.Run) -> None:
    """Every passage of it that the run did not cut, each at its own place."""
    spans = {
        (row["source"], row["record"], row["char_start"], row["char_end"]): row["passage_id"]
        for table in ("passages", "removed")
        for row in signed_run.rows(table)
    }
    looked = 0
    for name in ("news/old-bridge.txt", "podcasts/ep12-dictionary.md", "captions/pier.srt", "reposts/records.jsonl"):
        for found in lookup(signed_run.snapshot, str(whole.ROOT / "corpus" / name), 50).passages:
            place = found.asked.place
            assert place is not None
            own = spans.get((name, place["record"], place["char_start"], place["char_end"]))
            if own and any(char.isalnum() for char in found.asked.text):
                assert own in {place.span["passage_id"] for place in found.places if place.compared.how == SAME}
                looked += 1
    assert looked > 60


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.txt", b" \n", "empty"),
        ("torn.txt", b"\xff\xfe\xfd\x00\x81 abc", "cannot be read"),
        ("page.xyz", "山水".encode(), "can be piped"),
        ("picture.png", b"\x89PNG", "no reader for .png"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(planted: Planted, tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=says):
        lookup(planted.run.snapshot, str(tmp_path / name))


@pytest.mark.parametrize(
    ("what", "says"), [("gone/away.txt", "no such file"), ("tests", "is a folder"), (" \n", "no text"), ("", "no text")]
)
def test_what_names_nothing_says_so(planted: Planted, what: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(whole.ROOT)
    with pytest.raises(UsageError, match=says):
        lookup(planted.run.snapshot, what)


def test_words_that_look_like_a_path_are_words(planted: Planted) -> None:
    for words in ("他把书放进 notes.txt", "a" * 5000, "山/水/金"):
        assert lookup(planted.run.snapshot, words).query == "text"


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_standard_input_is_one_passage_in_any_encoding(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    text = paragraph(planted.rng, 60) + "\n\n" + planted.short["short/11.txt"]
    for encoding in ("utf-8", "utf-16"):
        stdin(monkeypatch, text.encode(encoding))
        answer = lookup(planted.run.snapshot, "-")
        assert [place.span["source"] for found in answer.passages for place in found.places] == ["short/11.txt"]
    stdin(monkeypatch, "我们的书都在这里，大家可以来看一看。".encode("gb18030"))
    assert lookup(planted.run.snapshot, "-").passages[0].asked.text == "我们的书都在这里，大家可以来看一看。"
    stdin(monkeypatch, b"\x00\x01\x02\x03" * 99)
    with pytest.raises(UsageError, match="no text"):
        lookup(planted.run.snapshot, "-")
    stdin(monkeypatch, b"x" * (1 << 20) + b"y")
    with pytest.raises(UsageError, match="save it as a file"):
        lookup(planted.run.snapshot, "-")


# ---- snapshots that have little ------------------------------------------------------------------------------------------


def test_a_snapshot_of_short_lines_only_is_asked_by_its_words(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("淘金。\n", encoding="utf-8")
    (tmp_path / "t.toml").write_text("[publish]\nsignatures = true\n", encoding="utf-8")
    run = whole.run([tmp_path / "in"], tmp_path / "out", tmp_path / "t.toml")
    assert run.rows("signatures") == []
    assert [place.span["source"] for place in lookup(run.snapshot, "淘金").passages[0].places] == ["a.txt"]
    assert lookup(run.snapshot, paragraph(np.random.default_rng(1), 100)).passages[0].places == []


# ---- the command ---------------------------------------------------------------------------------------------------------


def test_the_command_says_where_and_ends_with_zero_either_way(planted: Planted, capfd: pytest.CaptureFixture[str]) -> None:
    output = planted.run.output
    code, out, _ = ask(capfd, "lookup", planted.hant(planted.short["short/00.txt"]), "--output", output)
    assert code == 0
    assert "short/00.txt:L1" in out
    assert "kept in short/00.txt:L1" in out
    assert out.endswith(f"it stands in snapshot {planted.run.snapshot.name}\n")
    code, out, _ = ask(capfd, "lookup", paragraph(planted.rng, 80), "--output", output)
    assert (code, out) == (0, f"it does not stand in snapshot {planted.run.snapshot.name}, nor does a part of it\n")
    code, out, _ = ask(capfd, "lookup", "摇沙", "--output", output)
    assert code == 0
    assert "too short" in out


def test_json_is_one_document_with_every_passage(planted: Planted, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capfd, "lookup", "摇沙的人", "--json", "--limit", "2", "-o", planted.run.output)
    answer = json.loads(out)
    assert code == 0
    assert (answer["query"], answer["snapshot"], len(answer["passages"])) == ("text", planted.run.snapshot.name, 1)
    (passage,) = answer["passages"]
    assert (passage["total"], passage["too_short"], len(passage["places"])) == (9, True, 2)
    place = passage["places"][0]
    assert (place["how"], place["similarity"], place["kept"], place["source"]) == ("same", 1.0, True, "titles/00.md")


def test_a_snapshot_without_signatures_gets_a_hint(sample_run: whole.Run, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capfd, "lookup", "淘金的人", "-o", sample_run.output)
    assert (code, out) == (2, "")
    assert "publish.signatures = true" in err


def test_no_snapshot_no_file_and_no_limit_are_usage(planted: Planted, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(capfd, "lookup", "--help")[0] == 0
    assert ask(capfd, "lookup", "淘金", "-o", tmp_path)[0] == 2
    assert ask(capfd, "lookup", "gone.txt", "-o", planted.run.output)[0] == 2
    assert ask(capfd, "lookup", "淘金", "-n", "0", "-o", planted.run.output)[0] == 2


def shown(answer: Answer, width: int = 100) -> str:
    out = io.StringIO()
    render(answer, Console(file=out, width=width, force_terminal=False))
    return out.getvalue()


def test_nothing_of_the_data_commands_the_terminal(planted: Planted, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = planted.sources["hostile/page.txt"]
    path = tmp_path / "[bold]\x1b[2J\u202e.txt"
    path.write_text(text, encoding="utf-8")
    for what in (text, str(path)):
        answer = lookup(planted.run.snapshot, what)
        assert "hostile/page.txt" in {place.span["source"] for found in answer.passages for place in found.places}
        out = shown(answer)
        assert "[red]" in out
        assert not [char for char in out if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"]
        code, printed, _ = ask(capfd, "lookup", what, "--json", "-o", planted.run.output)
        assert code == 0
        assert not [char for char in printed if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"]
        assert json.loads(printed)["passages"]


def test_bytes_that_are_no_utf8_are_shown_as_such(planted: Planted) -> None:
    answer = lookup(planted.run.snapshot, "淘金\udcff的人")
    assert "\\xff" in answer.passages[0].asked.text
    assert shown(answer)


def test_datasketch_is_imported_for_lookup_only() -> None:
    script = "import sys, flows.cli, flows.run, tasks.stages, tasks.explain; print('datasketch' in sys.modules)"
    done: Any = whole.subprocess.run(
        [sys.executable, "-c", script], env=whole.child_environment(), capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout == "False\n"
