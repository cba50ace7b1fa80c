"""Languages: by script, by profiles, mixed passages, and what carries no language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import language, script
from tasks.errors import SettingsError
from tasks.settings import Language, Script
from tasks.store import schemas
from tasks.store.text import Texts

SENTENCES = {
    "en": [
        "The river carried the sand down to the sea, and nobody noticed.",
        "We should finish the report before the meeting starts tomorrow morning.",
    ],
    "fr": [
        "La rivière emportait le sable jusqu'à la mer sans que personne ne le remarque.",
        "Nous devons terminer le rapport avant la réunion de demain matin.",
    ],
    "de": [
        "Der Fluss trug den Sand bis zum Meer, und niemand bemerkte es.",
        "Wir müssen den Bericht vor der Besprechung morgen früh fertigstellen.",
    ],
    "es": [
        "El río llevaba la arena hasta el mar y nadie se daba cuenta.",
        "Tenemos que terminar el informe antes de la reunión de mañana por la mañana.",
    ],
    "pt": [
        "O rio levava a areia até ao mar e ninguém reparava nisso.",
        "Temos de terminar o relatório antes da reunião de amanhã, não se esqueça.",
    ],
    "it": [
        "Il fiume portava la sabbia fino al mare e nessuno se ne accorgeva.",
        "Dobbiamo finire la relazione prima della riunione di domani mattina.",
    ],
    "nl": [
        "De rivier voerde het zand mee naar de zee en niemand merkte het op.",
        "We moeten het verslag afmaken voordat de vergadering morgenochtend begint.",
    ],
    "ru": ["Река уносила песок к морю, и никто этого не замечал.", "Мы должны закончить отчёт до начала завтрашнего собрания."],
    "uk": ["Річка несла пісок до моря, і ніхто цього не помічав.", "Ми повинні закінчити звіт до початку завтрашніх зборів."],
    "ar": ["كان النهر يحمل الرمل إلى البحر ولم يلاحظ أحد ذلك.", "يجب أن ننهي التقرير قبل بدء الاجتماع صباح الغد."],
    "fa": ["رودخانه شن‌ها را به دریا می‌برد و هیچ‌کس متوجه نمی‌شد.", "ما باید گزارش را پیش از شروع جلسهٔ فردا صبح تمام کنیم."],
    "vi": ["Dòng sông mang cát ra biển mà không ai để ý.", "Chúng ta phải hoàn thành báo cáo trước cuộc họp sáng mai."],
    "id": [
        "Sungai itu membawa pasir ke laut dan tidak ada yang memperhatikan.",
        "Kita harus menyelesaikan laporan sebelum rapat besok pagi dimulai.",
    ],
    "tr": [
        "Nehir kumu denize taşıyordu ve kimse bunu fark etmiyordu.",
        "Yarın sabahki toplantı başlamadan önce raporu bitirmemiz gerekiyor.",
    ],
    "pl": ["Rzeka niosła piasek do morza i nikt tego nie zauważał.", "Musimy skończyć raport przed jutrzejszym porannym spotkaniem."],
}
BY_SCRIPT = {
    "ja": "川は砂を海まで運び、誰も気づかなかった。",
    "ko": "강은 모래를 바다로 실어 날랐고 아무도 알아차리지 못했다.",
    "th": "แม่น้ำพัดพาทรายไปสู่ทะเลโดยไม่มีใครสังเกต",
    "el": "Το ποτάμι μετέφερε την άμμο στη θάλασσα.",
    "he": "הנהר נשא את החול אל הים.",
    "zh-Hans": "河水把沙子带到了海里，没有人注意到这件事。",
    "zh-Hant": "河水把沙子帶到了海裡，沒有人注意到這件事。",
    "zh": "人山人海",
}


def detect(rows: list[str], skip: list[bool] | None = None, **chosen: Any) -> language.Languages:
    texts = Texts.of(rows)
    return language.detect(texts, script.label(texts, Script()), np.array(skip or [False] * len(rows), np.bool_), Language(**chosen))


def primary(rows: list[str], **chosen: Any) -> list[str]:
    found: list[str] = detect(rows, **chosen).columns["lang"].to_pylist()
    return found


def mixed(text: str) -> bool:
    return bool(detect([text]).columns["is_mixed"][0].as_py())


def shares(text: str) -> dict[str, float]:
    return {entry["lang"]: entry["share"] for entry in detect([text]).columns["lang_shares"][0].as_py()}


def spans(text: str) -> list[tuple[str, str]]:
    return [(span["lang"], text[span["start"] : span["end"]]) for span in detect([text]).columns["lang_spans"][0].as_py()]


@pytest.mark.parametrize("lang", sorted(SENTENCES))
def test_clear_sentences_agree_with_the_seeded_library(lang: str) -> None:
    rows = SENTENCES[lang]
    assert primary(rows) == [lang] * len(rows)
    assert primary(rows, engine="langdetect") == [lang] * len(rows)
    assert not any(detect(rows).columns["is_mixed"].to_pylist())


@pytest.mark.parametrize("lang", sorted(BY_SCRIPT))
def test_scripts_that_decide_by_themselves(lang: str) -> None:
    assert primary([BY_SCRIPT[lang]]) == [lang]


def test_traditional_chinese_is_never_korean() -> None:
    """The library alone says ko for half of such sentences."""
    rows = ["國語辭典", "經濟學家認為這個問題很複雜", "圖書館裡有許多舊書", "臺灣的氣候溫暖潮濕", "東風夜放花千樹"]
    for engine in ("profiles", "langdetect"):
        assert all(lang.startswith("zh") for lang in primary(rows, engine=engine))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a/b?c=d&e=f#g www.example.org/path",
        "user.name@example.com @someone #hashtag",
        "snake_case camelCase getElementById os.path.join std::vector foo() --verbose a1b2",
        '`the quick brown fox` <div class="jumps over"> <!-- the lazy dog --> &nbsp;',
        "/usr/local/bin ./run.sh ~/.config C++ C# \\alpha",
        "12,345.67 2024-01-02 10% 3.8.8 4K",
        "",
        " \n\t ",
        "。，！？…——",
        "😀🎉",
    ],
)
def test_code_addresses_and_numbers_carry_no_language(text: str) -> None:
    found = detect([text])
    assert found.columns["lang"].to_pylist() == ["und"]
    assert found.columns["lang_shares"].to_pylist() == [[]]
    assert found.columns["lang_spans"].to_pylist() == [[]]
    assert found.columns["lang_confidence"].to_pylist() == [0.0]
    assert found.lang_letters.to_pylist() == [[]]


def test_skipped_rows_are_und() -> None:
    found = detect(["for each item in the list print the item", "我们说汉语"], skip=[True, False])
    assert found.columns["lang"].to_pylist() == ["und", "zh-Hans"]


@pytest.mark.parametrize("text", ["OK", "PDF", "CPU GPU"])
def test_too_little_to_say_anything_is_und(text: str) -> None:
    assert primary([text]) == ["und"]


@pytest.mark.parametrize(
    "text",
    [
        "这本书的作者是 Maria Lindqvist、Oskar Brandt、Pia Moretti 和 Tomasz Zielinski，他们开发了 Sandpiper",
        "这本书叫《The old man and the sea》，我读过很多遍",
        "歌名是「Down by the salley gardens」，大家都会唱",
        "店里卖“sweet potato with cheese”，味道不错",
        "我们用 TensorFlow、PyTorch 和 Kubernetes",
        "小说（The last boat leaves at noon）的作者",
        "北京大学（Peking University）计算机系",
        "这个 open source 项目用 Rust 写成，性能很好",
        "他喜欢ラーメン和カラオケ，常常去那家店",
        "韩国的首都是首尔（서울特別市）",
        "The city of Peking (北京) is the capital, and people call it so.",
    ],
)
def test_names_terms_and_titles_do_not_mix(text: str) -> None:
    assert not mixed(text)


@pytest.mark.parametrize(
    "text",
    [
        "河水把沙子带到了海里。The river carried the sand down to the sea, and nobody noticed.",
        "他说：“I think that this is the best way to do it, and we should try it. Let us go.”大家听了以后都很高兴地同意了。",
        "河水把沙子带到海里，没有人注意到这件事。川は砂を海まで運び、誰も気づかなかった。",
        "河水把沙子带到了海里。강은 모래를 바다로 실어 날랐고 아무도 몰랐다.",
        "The river carried the sand down to the sea. La rivière emportait le sable jusqu'à la mer.",
        "Wir müssen den Bericht morgen früh fertigstellen. We should finish the report before the meeting.",
        "Река уносила песок к морю. The river carried the sand down to the sea.",
    ],
)
def test_running_text_in_a_second_language_mixes(text: str) -> None:
    assert mixed(text)


def test_a_short_foreign_sentence_in_a_long_passage_does_not_mix() -> None:
    assert not mixed("河水把沙子带到了海里，没有人注意到这件事。" * 15 + "Nobody saw it happen at all.")


@pytest.mark.parametrize("text", ["我用 TensorFlow 和 Kubernetes 写", "小说《The old man and the sea》出版了"])
def test_names_do_not_outvote_the_sentence_they_stand_in(text: str) -> None:
    assert primary([text])[0].startswith("zh")
    assert shares(text)["en"] > 0.5


def test_names_in_chinese_are_english_unless_they_say_otherwise() -> None:
    assert set(shares("作者是 Tomasz Zielinski、Maria Lindqvist，用 cookie 和 TV、USB、PDF 做了 Sandpiper 与 Kolibri")) == {"zh-Hans", "en"}


def test_a_single_hiragana_no_in_chinese_is_not_japanese() -> None:
    assert primary(["这家店叫做「美の坊」，东西很好吃。"]) == ["zh-Hans"]


def test_han_without_kana_in_japanese_text_is_japanese() -> None:
    assert shares("東京大学、京都大学。どちらも古い大学です。学生が多いですね。") == {"ja": 1.0}


def test_a_japanese_title_in_chinese_keeps_its_own_span() -> None:
    assert spans("《君の名は》是一部很好看的电影") == [("ja", "君の名は"), ("zh-Hans", "是一部很好看的电影")]


def test_spans_join_over_punctuation_and_numbers_but_not_over_code() -> None:
    text = "在2017年，他们发表了论文。见 https://example.com 这里"
    assert spans(text) == [("zh-Hans", "在2017年，他们发表了论文。见"), ("zh-Hans", "这里")]


def test_an_alphabet_without_a_candidate_is_und() -> None:
    assert primary(SENTENCES["ru"][:1], candidates=("en", "fr")) == ["und"]


@pytest.mark.parametrize(("name", "what"), [("xx", "no profile for xx"), ("ko", "decided by its script alone")])
def test_impossible_candidates_are_refused(name: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        primary(["x"], candidates=("en", name))


def test_columns_have_the_published_types() -> None:
    found = detect(["我们说 English", ""])
    for name, column in found.columns.items():
        assert column.type == schemas.PASSAGES.field(name).type, name
    assert found.lang_letters.type == pa.list_(pa.struct([("lang", pa.string()), ("count", pa.int64())]))


def test_nothing_in_nothing_out() -> None:
    found = detect([])
    assert all(len(column) == 0 for column in found.columns.values())
    lang, lang_shares = language.combine(found.lang_letters, found.columns["lang"], np.empty(0, np.int64), 1)
    assert (lang.to_pylist(), lang_shares.to_pylist()) == (["und"], [[]])


TEXT = st.lists(
    st.sampled_from(
        [
            "我们",
            "說漢語",
            "です",
            "カタ",
            "の",
            "한국",
            "hello",
            "the",
            "Привет",
            "Größe",
            "كان",
            "。",
            "，",
            " ",
            "\n",
            "(",
            "》",
            "“",
            "a_b",
            "http://x.y",
            "`",
            "1.5",
            "é",
            "\u0301",
            "<a>",
            "[b]",
        ]
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=25,
).map("".join)


@given(st.lists(TEXT, max_size=4))
@settings(deadline=None, max_examples=200)
def test_spans_and_shares_are_sound(rows: list[str]) -> None:
    found = detect(rows)
    for i, text in enumerate(rows):
        parts = found.columns["lang_shares"][i].as_py()
        assert not parts or abs(sum(part["share"] for part in parts) - 1) < 1e-3
        assert [part["share"] for part in parts] == sorted((part["share"] for part in parts), reverse=True)
        assert found.columns["lang"][i].as_py() in ({part["lang"] for part in parts} or {"und"})
        assert 0 <= found.columns["lang_confidence"][i].as_py() <= 1
        at = 0
        for span in found.columns["lang_spans"][i].as_py():
            assert at <= span["start"] < span["end"] <= len(text)
            assert not text[span["start"]].isspace()
            assert not text[span["end"] - 1].isspace()
            at = span["end"]
        assert {span["lang"] for span in found.columns["lang_spans"][i].as_py()} == {part["lang"] for part in parts}


@given(st.lists(TEXT, min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_rows_do_not_depend_on_their_neighbours(rows: list[str]) -> None:
    together = detect(rows)
    for i, row in enumerate(rows):
        alone = detect([row])
        assert [column[i].as_py() for column in together.columns.values()] == [column[0].as_py() for column in alone.columns.values()]


def test_documents_sum_their_passages() -> None:
    rows = ["我们说汉语", "人山人海", "The river carried the sand down to the sea.", "我們說漢語", ""]
    found = detect(rows)
    lang, lang_shares = language.combine(found.lang_letters, found.columns["lang"], np.array([0, 0, 0, 2, 1], np.int64), 3)
    assert lang.to_pylist() == ["en", "und", "zh-Hant"]
    first, second, third = lang_shares.to_pylist()
    assert [part["lang"] for part in first] == ["en", "zh-Hans"]
    assert first[1]["share"] == pytest.approx(9 / 43, abs=1e-4)
    assert (second, third) == ([], [{"lang": "zh-Hant", "share": 1.0}])
    assert lang_shares.type == schemas.DOCUMENTS.field("lang_shares").type


def test_no_line_and_no_group_of_lines_of_the_seeds_is_mixed(shared: Path) -> None:
    for path in sorted((shared / "seeds").glob("*.txt")):
        lines = path.read_text("utf-8").split("\n")
        for width in (1, 2, 5):
            rows = ["\n".join(lines[i : i + width]) for i in range(0, len(lines), width)]
            found = detect(rows)
            assert [i * width + 1 for i, m in enumerate(found.columns["is_mixed"].to_pylist()) if m] == []
            sure = np.asarray(found.columns["lang_confidence"]) >= 0.75
            assert not set(found.columns["lang"].filter(pa.array(sure)).to_pylist()) - {"zh-Hans", "zh", "und", "en"}
