"""Text read in the wrong charset: undone exactly or not at all, measured where it cannot be, and never seen in sound text."""

from __future__ import annotations

import naive_signals
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import mojibake
from tasks.store.text import Texts

HANS = [
    "我们今天来看看怎么写代码，这是一个很小的问题。",
    "船到码头的时候，天已经黑了，岸上只有一盏灯。",
    "他把沙子舀进盘里，在水中轻轻地摇，金子就留在盘底。",
]
HANT = [
    "我們今天來看看怎麼寫程式，這是一個很小的問題。",
    "船到碼頭的時候，天已經黑了，岸上只有一盞燈。",
    "他把沙子舀進盤裡，在水中輕輕地搖，金子就留在盤底。",
]
JA = ["これはとても小さな問題です。", "船が港に着いたとき、もう暗くなっていました。"]
WESTERN = ["L’été dernier, nous étions à Besançon.", "It’s the boat’s fault — isn’t it?"]


def read_as(text: str, was: str, codec: str, lost: str = "strict") -> str:
    return text.encode(was).decode(codec, lost)


def cases() -> list[tuple[str, str, str]]:
    """(text, charset it was in, charset it is read in) of every kind of damage that keeps all bytes."""
    wanted = [(row, "gb18030", codec) for row in HANS for codec in ("latin-1", "cp950")]
    wanted += [(row, "cp950", codec) for row in HANT for codec in ("latin-1", "gb18030")]
    wanted += [(row, "cp932", "gb18030") for row in JA]
    wanted += [(row, "utf-8", codec) for row in (*HANS, *HANT, *JA) for codec in ("latin-1", "gb18030", "cp932", "cp1252")]
    wanted += [(row, "utf-8", "latin-1") for row in WESTERN]
    kept = []
    for row, was, codec in wanted:
        try:
            read_as(row, was, codec)
        except UnicodeDecodeError:
            continue
        kept.append((row, was, codec))
    return kept


@pytest.mark.parametrize(("text", "was", "codec"), cases())
def test_what_kept_its_bytes_is_undone_exactly(text: str, was: str, codec: str) -> None:
    broken = read_as(text, was, codec)
    assert broken != text
    assert mojibake.mend(broken) == text
    assert mojibake.mend(f"{broken}\n{text}") == f"{text}\n{text}"
    assert mojibake.replaced(broken, text) > 0


def test_the_byte_80_is_a_euro_sign_on_windows() -> None:
    assert mojibake.mend("涓€浜涗簨") == "一些事"


def test_text_read_wrongly_twice_is_undone_twice() -> None:
    once = read_as("这是一条河", "utf-8", "latin-1")
    assert mojibake.mend(read_as(once, "utf-8", "latin-1")) == "这是一条河"


@pytest.mark.parametrize("text", HANS + HANT)
@pytest.mark.parametrize("lost", ["replace", "ignore"])
def test_utf8_that_lost_bytes_as_gbk_stays_and_is_measured(text: str, lost: str) -> None:
    broken = read_as(text[:-2], "utf-8", "gb18030", lost)
    if "\ufffd" in broken or lost == "ignore":
        assert mojibake.mend(broken) in (broken, text[:-2])
    assert mojibake.damage(broken) * 2 >= len(broken)


def test_a_broken_sentence_inside_a_sound_one_is_measured_not_undone() -> None:
    broken = read_as("我们今天来看看", "utf-8", "gb18030", "replace")
    text = f"天已经黑了，{broken}，岸上只有一盏灯。"
    assert mojibake.mend(text) == text
    assert len(broken) // 2 <= mojibake.damage(text) <= len(broken) + 2


SOUND = [
    *HANS,
    *HANT,
    *JA,
    *WESTERN,
    "魑魅魍魉，饕餮貔貅，鹡鸰鹧鸪。",
    "鱻麤龘靐齉爩，㐂㗎䶮。",
    "氟氯溴碘砹，锂钠钾铷铯钫，铍镁钙锶钡镭",
    "涓涓细流，浼浼其水，淇奥，溱洧",
    "豐南區",
    "雲存儲",
    "联通",
    "锟斤拷是乱码，烫烫烫也是。",
    "鍋爐、鐘錶、銀鍵、鍛鍊、鋼鐵",
    "AI茅、茅台、VIP茅",
    "老錒、鈥鋱鉺銩鐿鑥",
    "Über den Flüssen: Äpfel, Öl, Straße, süß",
    "ÀÉÎÕÜ ÄÖÜ ÆØÅ ÐÞ",
    "Tiếng Việt: Đường phố, nước mắm, phở bò, ngã tư",
    "¡¿Qué pasó, señor?! ¿Dónde está el niño?",
    "°C ±5 µm £10 §3 ¶ ¼ ½ ¾ ©®",
    "Администрация города сообщает: движение закрыто",
    "Η θάλασσα είναι ήρεμη σήμερα το πρωί",
    "ノルウェーのニーノシュク、セッションデータ",
    "ﾃｽﾄｹｰｽ ﾊﾝｶｸｶﾅ",
    "한국어 문장은 그대로 남습니다. 漢字도",
    "¡¢£¤¥¦§¨©ª«¬®¯°±²³´µ¶·¸¹º»¼½¾¿",
    "àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_is_neither_changed_nor_measured(text: str) -> None:
    assert mojibake.mend(text) == text
    assert not mojibake.suspects(Texts.of([text]))[0] or mojibake.damage(text) == 0


@pytest.mark.parametrize(("text", "codec"), [("船到", "gb18030"), ("中文", "latin-1"), ("你好", "cp950")])
def test_two_characters_prove_nothing(text: str, codec: str) -> None:
    broken = read_as(text, "gb18030" if codec != "gb18030" else "cp950", codec)
    assert mojibake.mend(broken) == broken


PIECES = st.sampled_from(
    [
        "的我是在",
        "魑魅",
        "饕",
        "涓",
        "枃娴嬭瘯",
        "\ue15f",
        "ｶﾞ",
        "，",
        "a",
        " ",
        "\n",
        "ÖÐ",
        "¹ú",
        "é",
        "ä½\xa0",
        "€",
        "㐂",
        "\u3000",
        "Ж",
        "か",
        "𠮷",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(deadline=None, max_examples=300)
def test_signs_are_those_of_the_slow_twin(text: str) -> None:
    assert bool(mojibake.suspects(Texts.of([text]))[0]) == naive_signals.looks_odd(text)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(deadline=None, max_examples=200)
def test_mending_is_final_and_damage_within_the_text(text: str) -> None:
    mended = mojibake.mend(text)
    assert mojibake.mend(mended) == mended
    assert 0 <= mojibake.damage(text) <= sum(not char.isspace() for char in text)
