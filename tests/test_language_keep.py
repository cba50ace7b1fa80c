"""`language.keep` through whole runs: what leaves, with which reason, and what never leaves by a guess."""

from __future__ import annotations

import pytest
import whole

DOCUMENT = """# 河边的一天

# Kolibri 2.0

河水把沙子带到了海里，没有人注意到这件事，大家都在岸上说话。

The river carried the sand down to the sea, and nobody noticed it at all.

La rivière emportait le sable jusqu'à la mer sans que personne ne le remarque.

Мы должны закончить отчёт до начала завтрашнего собрания, иначе будет поздно.

川は砂を海まで運び、誰も気づかなかった。明日はもっと早く起きて見に行きたいと思います。

河水把沙子带到海里，没有人注意到这件事。Le fleuve emporte le sable jusqu'à la mer, et personne ne le remarque.

casa

12,345.67 89

```python
for chaque in les_lignes:
    print("la rivière emporte le sable jusqu'à la mer")
```
"""


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    folder = tmp_path_factory.mktemp("keep")
    source = folder / "in" / "day.md"
    source.parent.mkdir()
    source.write_text(DOCUMENT, encoding="utf-8")
    config = folder / "keep.toml"
    config.write_text('[language]\nkeep = ["zh", "en"]\n', encoding="utf-8")
    return whole.run([source.parent], folder / "out", config)


def test_other_languages_leave_with_their_reason(filtered: whole.Run) -> None:
    removed = [row for row in filtered.rows("removed") if row["reason"] == "language"]
    assert [row["raw"][:10] for row in removed] == ["La rivière", "Мы должны ", "川は砂を海まで運び、"]
    assert {(row["stage"], row["rule"]) for row in removed} == {("language", "language.keep")}
    assert [row["evidence"] for row in removed] == [f"language {lang} is not among language.keep" for lang in ("fr", "ru", "ja")]


def test_kept_languages_guesses_mixtures_headings_numbers_and_code_stay(filtered: whole.Run) -> None:
    kept = {row["text"][:6]: (row["kind"], row["lang"]) for row in filtered.rows("passages")}
    assert {"河水把沙子带", "The ri", "casa", "12,345"} <= set(kept)
    assert [row["text"] for row in filtered.rows("passages") if row["is_mixed"]] == [DOCUMENT.split("\n\n")[7]]
    assert {row["kind"] for row in filtered.rows("passages")} >= {"heading", "code", "prose"}
    assert [row["lang"] for row in filtered.rows("passages") if row["kind"] == "code"] == ["und"]


def test_a_filtered_run_accounts_for_every_character(filtered: whole.Run) -> None:
    rows = filtered.spans("day.md") if filtered.spans("day.md")["kept"] else filtered.spans("in/day.md")
    assert whole.unproved(DOCUMENT, rows["kept"], rows["removed"]) is None
