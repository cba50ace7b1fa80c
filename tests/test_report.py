"""The report page and summary.json: they add up, they show what is there, and data is never markup."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import fake_snapshot
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html
from rich.console import Console

from tasks import report, report_model, report_repeats
from tasks.differences import differences
from tasks.errors import StorageError, UsageError
from tasks.report_texts import Best, Limits, Texts
from tasks.store.schemas import FAMILIES
from tasks.summary import Tally, one_line, summarize, tally, visible
from tasks.summary_text import render_text

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>\u202e反\u2028\x00\x1b[31m{{7*7}}&lt;[bold]"
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_snapshot.write(tmp_path_factory.mktemp("plain") / "snapshot")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_snapshot.write(tmp_path_factory.mktemp("hostile") / "snapshot", HOSTILE)


@pytest.fixture(scope="module")
def page(plain: Path) -> str:
    return report.build(plain, plain / "report").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile_page(hostile: Path) -> str:
    return report.build(hostile, hostile / "report").read_text(encoding="utf-8")


def islands_of(page: str) -> dict:
    return {
        name: json.loads(text)
        for name, text in re.findall(r'<script type="application/json" id="([a-z0-9-]+)">(.*?)</script>', page, re.DOTALL)
    }


def details_of(page: str, which: str) -> list[dict]:
    """Details of families ("f") or clusters ("c"), the first first."""
    islands = islands_of(page)
    rows = islands["rows"]
    kind = dict(zip(rows["id"], rows["list"], strict=True))
    every = [row for name in sorted(islands) if name.startswith("detail-") for row in islands[name]]
    return [row for row in every if kind[row["id"]] == which]


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_characters_read_are_kept_plus_removed_and_counted_the_slow_way(name: str, request: pytest.FixtureRequest) -> None:
    snapshot = request.getfixturevalue(name)
    characters = summarize(snapshot)["characters"]
    kept = sum(fake_snapshot.visible_count(row["raw"] or row["text"]) for row in pq.read_table(snapshot / "passages").to_pylist())
    removed = defaultdict(int)
    for row in pq.read_table(snapshot / "removed").to_pylist():
        removed[row["reason"]] += fake_snapshot.visible_count(row["raw"])
    assert characters["kept"] == kept
    assert characters["removed_by_reason"] == dict(removed)
    assert characters["read"] == characters["kept"] + characters["removed"]
    assert characters["unaccounted"] == 0


def test_summary_counts_what_the_tables_hold(plain: Path) -> None:
    summary = summarize(plain)
    assert summary["sources"] == {"ok": 4, "needs_review": 1, "quarantined": 1, "skipped": 0, "total": 6}
    assert summary["documents"] == {"read": 5, "with_kept_text": 5}
    assert summary["passages"] == {"kept": 8, "removed": 6}
    assert summary["pairs"] == {"total": 3, "accepted": 2, "by_kind": {"script": 1, "edited": 1, "number_slot": 1}}
    assert summary["clusters"] == {"count": 2, "members": 4}
    assert summary["quarantined"] == [{"source": "zz/broken.txt", "error": "undecodable: byte 3"}]
    assert summary["needs_review"] == [{"source": "page/menu.html", "error": "rules would remove 91 % of it"}]
    assert [row["rule"] for row in summary["top_rules"]] == ["zh.sponsor.by", "zh.contents.timed"]
    assert summary["thresholds"] == {"report": 0.5, "remove": 0.7}


def test_summary_file_is_sorted_json_of_the_summary(plain: Path, page: str) -> None:
    text = (plain / "report" / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == summarize(plain)
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def test_missing_tables_and_files_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(fake_snapshot.MANIFEST), encoding="utf-8")
    assert summarize(tmp_path)["characters"]["read"] == 0
    assert "Nothing was removed" in report.build(tmp_path, tmp_path / "report").read_text(encoding="utf-8")


def test_a_folder_that_is_no_snapshot_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no manifest\.json"):
        report.build(tmp_path, tmp_path / "report")


def test_a_damaged_file_is_a_storage_error(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot")
    (snapshot / "removed" / "part-00000.parquet").write_bytes(b"PAR1PAR1")
    with pytest.raises(StorageError, match="removed: cannot be read"):
        tally(snapshot)


def test_terminal_summary_holds_the_numbers_and_no_control_character(hostile: Path) -> None:
    out = io.StringIO()
    render_text(summarize(hostile), Console(file=out, width=120))
    text = out.getvalue()
    assert "1 needs review · 1 quarantined" in text
    assert "kept + removed = read, to the character" in text
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl") and c != "\n"]
    assert "[bold]" in text  # not taken as markup


def test_a_log_names_what_repeats_and_only_a_terminal_quotes_it(plain: Path) -> None:
    summary = summarize(plain)
    (family, *_) = summary["top_families"]
    for terminal in (True, False):
        out = io.StringIO()
        render_text(summary, Console(file=out, width=200, force_terminal=terminal))
        assert (family["text"][:20] in out.getvalue()) == terminal
        assert (family["family_id"] in out.getvalue()) != terminal


def test_terminal_summary_says_when_it_does_not_add_up(plain: Path) -> None:
    summary = summarize(plain)
    summary["characters"]["unaccounted"] = 7
    out = io.StringIO()
    render_text(summary, Console(file=out, width=120))
    assert "does not add up: 7 characters" in out.getvalue()


def test_data_makes_no_element_and_no_attribute(page: str, hostile_page: str) -> None:
    def shape(text: str) -> tuple[set[str], set[str]]:
        elements = list(html.document_fromstring(text).iter(html.etree.Element))
        return {e.tag for e in elements}, {name for e in elements for name in e.attrib}

    assert shape(hostile_page)[0] == shape(page)[0]
    assert shape(hostile_page)[1] == shape(page)[1]
    document = html.document_fromstring(hostile_page)
    assert len([one for one in document.findall(".//script") if one.get("type") != "application/json"]) == 1
    assert not document.findall(".//img")
    assert not [name for e in document.iter() for name in e.attrib if name.startswith("on") or name in ("style", "srcset")]
    assert not [e for e in document.iter() for name, value in e.attrib.items() if name in ("href", "src") and not value.startswith("#")]


def test_page_holds_no_control_or_direction_character(hostile_page: str) -> None:
    island = json.dumps(islands_of(hostile_page), ensure_ascii=False)
    for text in (hostile_page, island):
        assert not [hex(ord(c)) for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"]
    assert "⟨RLO⟩" in hostile_page
    assert "{{7*7}}" in hostile_page  # shown, not evaluated


def test_policy_allows_exactly_our_script_and_style(hostile_page: str) -> None:
    document = html.document_fromstring(hostile_page)
    policy = document.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    script, style = (
        re.search(r"</script>\s*<script>(.*?)</script>", hostile_page, re.DOTALL)[1],
        re.search(r"<style>(.*?)</style>", hostile_page, re.DOTALL)[1],
    )

    def digest(text: str) -> str:
        return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_page_asks_for_nothing_from_elsewhere(page: str) -> None:
    named = page.replace('"http://www.w3.org/2000/svg"', "")  # a name, not an address
    assert not re.findall(r"https?://|//[a-z]+\.|@import|url\(", named)


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_island_cannot_end_its_element(text: str) -> None:
    inert = report.island({"text": text})
    assert not set("<>&\u2028\u2029") & set(inert)
    assert json.loads(inert) == {"text": text}


def test_same_snapshot_gives_the_same_page(plain: Path, page: str, tmp_path: Path) -> None:
    assert report.build(plain, tmp_path).read_text(encoding="utf-8") == page


def test_run_json_is_shown_when_present_and_only_then(tmp_path: Path, page: str) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot")
    (snapshot / "run.json").write_text(json.dumps({"started_at": "2026-11-21T20:00:00Z", "host": "sandbar"}), encoding="utf-8")
    assert "sandbar" in report.build(snapshot, tmp_path / "report").read_text(encoding="utf-8")
    assert "sandbar" not in page


def test_family_shows_the_exemplar_once_and_what_the_other_copy_has_different(page: str) -> None:
    (family,) = details_of(page, "f")
    assert family["text"].startswith(fake_snapshot.SPONSOR)
    assert family["first"]["place"] == "podcast/ep1.txt:3-5"
    (copy,) = family["copies"]
    assert copy["place"] == "podcast/ep2.txt:3-5"
    assert copy["before"] == "The river writes letters, 老人总是这样说，我们就当它是真的。"
    assert ["edit", 0, "二"] in copy["changes"]


def test_family_with_large_gaps_shows_and_compares_only_what_repeats(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot")
    file = snapshot / "families" / "part-00000.parquet"
    rows = pq.read_table(file).to_pylist()
    rows[0]["exemplar_text"] = "00:00 开场"
    pq.write_table(pa.Table.from_pylist(rows, schema=FAMILIES), file)
    (family,) = details_of(report.build(snapshot, tmp_path / "report").read_text(encoding="utf-8"), "f")
    assert family["text"] == "00:00 开场"
    assert "Only the passages that repeat" in family["why"]


def test_command_names_a_place_whole_however_long_it_is() -> None:
    place = {"source": "x" * 30, "record": 0, "char_start": 0}
    assert report_repeats.command(place) == f"taosha explain {'x' * 30}:0"
    assert report_repeats.command(place, "ab" * 16) == "taosha explain abababababab"


def test_cluster_shows_why_it_was_kept_and_each_copy_with_exact_similarity_and_estimate(page: str) -> None:
    clusters = {cluster["text"][:2]: cluster for cluster in details_of(page, "c")}
    gate = clusters["城门"]
    assert gate["why"] == "Kept because its collection comes first in input.priority (1 copy)."
    (copy,) = gate["copies"]
    assert (copy["similarity"], copy["estimate"], copy["kind"], copy["verdict"]) == (0.824, 0.812, "edited", "near_duplicate")
    assert copy["ask"] == f"taosha explain {fake_snapshot.passage_id('gate2')[:12]}"
    assert [change[0] for change in copy["changes"] if isinstance(change, list)].count("edit") == 1  # 七 and 八; the rest is script


def test_removed_text_is_two_steps_away_with_rule_evidence_and_twin(page: str) -> None:
    document = html.document_fromstring(page)
    (rule,) = document.xpath("//details[@id='removed-boilerplate']/details[summary/code='zh.sponsor.by']")
    assert fake_snapshot.SPONSOR in rule.text_content()
    assert "matches 本期节目由…赞助" in rule.text_content()
    assert "Kept in article/river.txt:5" in " ".join(document.get_element_by_id("removed-near_duplicate").text_content().split())


def test_page_says_what_it_leaves_out(tmp_path: Path, plain: Path) -> None:
    small = Limits(clusters=1, families=1, listed=1, examples=1, sources=2)
    document = html.document_fromstring(report.build(plain, tmp_path, small).read_text(encoding="utf-8"))
    rows = islands_of(html.tostring(document, encoding="unicode"))["rows"]
    assert (rows["list"].count("f"), rows["list"].count("c")) == (1, 1)
    assert "1 of 2 spans shown" in document.get_element_by_id("removed").text_content()
    assert "2 of 6 shown" in document.get_element_by_id("sources").text_content()


def test_page_stops_at_its_budget_of_characters(tmp_path: Path, plain: Path) -> None:
    page = report.build(plain, tmp_path, Limits(characters=10)).read_text(encoding="utf-8")
    assert (len(details_of(page, "f")), len(details_of(page, "c"))) == (1, 1)  # of 1 and 2: each list has half of the budget
    assert len(islands_of(page)["rows"]["id"]) == 3  # the list has all


SHORT = st.text(alphabet="淘沙門门國国，,Aａb 。x", max_size=24)


@settings(deadline=None)
@given(SHORT, SHORT)
def test_differences_turn_one_text_into_the_other(a: str, b: str) -> None:
    built, at = [], 0
    for change in differences(a, b):
        if isinstance(change, int):
            built.append(a[at : at + change])
            at += change
        else:
            built.append(change[2])
            at += change[1]
    assert at == len(a)
    assert "".join(built) == b


@pytest.mark.parametrize(
    ("a", "b", "kinds"),
    [
        ("门外，", "門外，", ["script"]),
        ("门外，", "门外,", ["form"]),
        ("ＡＢ", "ab", ["form"]),
        ("三天", "四天", ["edit"]),
        ("淘沙", "淘沙。", ["form"]),
    ],
)
def test_differences_are_told_apart_by_kind(a: str, b: str, kinds: list[str]) -> None:
    assert [change[0] for change in differences(a, b) if isinstance(change, list)] == kinds


@settings(deadline=None)
@given(st.text())
def test_visible_text_has_nothing_hidden_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not [c for c in shown if c in "\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2068\ufeff\u2028"]
    assert visible(shown) == shown


def test_visible_text_keeps_emoji_whole_and_cuts_piles_of_marks() -> None:
    assert visible("👩\u200d🔬") == "👩\u200d🔬"
    assert visible("a" + "\u0301" * 5000) == "a" + "\u0301" * 8 + "⟨+4992 marks⟩"
    assert one_line("一行\n\n两行", 20) == "一行 两行"


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.sampled_from("xyz")), max_size=40)


@settings(deadline=None)
@given(ROWS, st.integers(1, 4), st.integers(1, 10))
def test_best_of_a_stream_is_the_best_of_the_whole(rows: list[tuple[str, int, str]], limit: int, size: int) -> None:
    best = Best("group", [("n", "descending"), ("name", "ascending")], limit, distinct="name")
    for at in range(0, len(rows), size):
        group, n, name = zip(*rows[at : at + size], strict=True)
        best.add(pa.table({"group": group, "n": n, "name": name}))
    expected = []
    for key in "abc":
        ranked = sorted((row for row in rows if row[0] == key), key=lambda row: (-row[1], row[2]))
        ranked = [row for i, row in enumerate(ranked) if row[2] not in {other[2] for other in ranked[:i]}]
        expected += ranked[:limit]
    assert [(row["group"], row["n"], row["name"]) for row in best.rows()] == expected


def test_texts_give_back_the_source_with_its_surroundings(plain: Path) -> None:
    fake = fake_snapshot._Fake("")
    texts = Texts(Limits(context=5))
    for row in fake.at.values():
        texts.want(row)
    texts.load(plain)
    for row in fake.at.values():
        assert texts.copy(row).text == row["raw"]
    gate = texts.copy(fake.at["gate"])
    assert (gate.before, gate.after) == ("流写的信。", "夜里点灯的")


def test_tally_of_nothing_is_zero(tmp_path: Path) -> None:
    counts = tally(tmp_path)
    assert isinstance(counts, Tally)
    assert counts.total("kept") == counts.total("removed", "rows") == 0


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"doc_id": "k"}, "it stands first in its document"),
        ({"collection": "z"}, "its collection comes first by name"),
        ({"published_at": 9, "char_count": 1}, "its document is dated earlier"),
        ({"published_at": None, "char_count": 1}, "its document has a date"),
        ({"published_at": 1, "char_count": 5}, "its document is longer"),
        ({"published_at": 1, "char_count": 10}, "its source comes first by name"),
        ({}, "its document comes first by date, length or name"),
    ],
)
def test_why_kept_names_the_first_key_that_decides(other: dict, why: str) -> None:
    kept = {"doc_id": "k", "collection": "a", "source": "a/1", "published_at": 1, "char_count": 10}
    assert report_model.why_kept(kept, [{"doc_id": "o", "collection": "a", "source": "a/2", **other}], []) == f"{why} (1 copy)"


def test_what_was_too_much_to_compare_all_with_all_is_said_everywhere(tmp_path: Path) -> None:
    folder = fake_snapshot.write(tmp_path / "snapshot")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    counters = {"hotbuckets": 12, "hot_members": 3456, "hot_anchors": 7}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "matching": counters}), encoding="utf-8")
    shown = html.fromstring(report.build(folder, folder / "report").read_text(encoding="utf-8"))
    said = shown.get_element_by_id("overview").text_content()
    assert "12 LSH buckets held more passages than matching.bucket_cap" in said
    assert "7 set phrases stood in more passages" in said
    assert "repeat a phrase too often" not in said  # no pair did
    summary = json.loads((folder / "report" / "summary.json").read_text(encoding="utf-8"))
    assert summary["matching"] == counters
    out = io.StringIO()
    render_text(summary, Console(file=out, width=120))
    assert "12 LSH buckets held more passages than matching.bucket_cap" in out.getvalue()
