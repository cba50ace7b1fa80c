"""Languages of words, of clauses inside a sentence, and of Han that only its surroundings decide; kernels against slow twins."""

from __future__ import annotations

import naive_language
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_language import TEXT, detect, mixed, primary, spans

from tasks import language, profiles, words
from tasks.kernels import language as atoms
from tasks.kernels import language_decide, language_han
from tasks.settings import Language
from tasks.store.text import Texts, from_str

WORDS = {
    "Latin": st.text(st.sampled_from("abcdeéßñøTHEnstăạ"), min_size=1, max_size=12)
    | st.sampled_from(["the", "Haus", "vous", "của", "değil", "OK"]),
    "Cyrillic": st.text(st.sampled_from("ДдЖжïыіаео"), min_size=1, max_size=9).filter(lambda word: "ï" not in word)
    | st.sampled_from(["это", "або"]),
    "Arabic": st.text(st.sampled_from("الفکیةن"), min_size=1, max_size=8) | st.sampled_from(["من", "است"]),
}


def score(text: str) -> tuple[range, np.ndarray, np.ndarray]:
    """Languages of the text's script (places among the models), and the scores of its words and of the whole."""
    candidates = Language().candidates
    models, chars = profiles.load(candidates), from_str(text)
    kind = 0 if ord(text[0]) < 0x370 or ord(text[0]) >= 0x1E00 else 1 if ord(text[0]) < 0x600 else 2
    lanes = len(models.names) + language_decide.LANES
    spans, keys = np.empty((language_decide.MAX_WORDS, 2), np.int64), np.empty((language_decide.MAX_WORDS, 2), np.uint64)
    scores, total = np.full((language_decide.MAX_WORDS, lanes), 7, np.int32), np.full(lanes, 7, np.int32)
    lists = words.load(candidates).arrays()
    n, _ = language_decide.score_atom(chars, 0, len(chars), False, models.frames[kind], models.grams(), lists, spans, keys, scores, total)
    first, last = models.blocks()[kind : kind + 2].tolist()
    return range(first, last), scores[:n, : last - first], total[: last - first]


@given(st.sampled_from(sorted(WORDS)).flatmap(lambda alphabet: WORDS[alphabet]))
@settings(deadline=None, max_examples=150)
def test_scores_of_a_word_are_those_of_the_librarys_own_ngrams_and_of_the_word_lists(word: str) -> None:
    names = profiles.load(Language().candidates).names
    ngrams = naive_language.log_likelihoods(word, names)
    mine, scores, _ = score(word)
    for k, got in zip(mine, scores[0].tolist(), strict=True):
        want = ngrams[names[k]] + naive_language.word_evidence(word, names[k])
        assert got / language_decide.SCALE == pytest.approx(want, abs=0.2)


@given(st.sampled_from(sorted(WORDS)).flatmap(lambda alphabet: st.lists(WORDS[alphabet], min_size=1, max_size=5)))
@settings(deadline=None, max_examples=60)
def test_words_beside_one_another_score_as_each_alone(parts: list[str]) -> None:
    _, scores, total = score(" ".join(parts))
    assert scores.tolist() == [score(word)[1][0].tolist() for word in parts]
    assert total.tolist() == scores.sum(axis=0).tolist()


@pytest.mark.parametrize("candidates", [("en",), ("ru",), ("ar", "de", "hi", "mr", "ne", "ru", "uk")])
def test_the_automaton_finds_the_longest_ngram_that_a_model_knows(candidates: tuple[str, ...]) -> None:
    models = profiles.load(candidates)
    for kind, (pair_at, width, follow_at, _, n_langs) in enumerate(models.frames.tolist()):
        assert n_langs == (models.scripts == kind).sum()
        states = models.pairs[pair_at : pair_at + width * width].reshape(width, width)
        moves = models.follow[follow_at:][: (int(states.max()) + 1) * width].reshape(-1, width)
        # A state of two letters knows what the state of the last letter alone knows, or something longer.
        for two in range(width):
            shorter, own = moves[states[0]], moves[states[two]]
            assert ((own != 0) | (shorter == 0)).all()


@given(st.lists(st.tuples(st.lists(st.integers(-90, 0), min_size=3, max_size=3), st.integers(0, 60)), min_size=1, max_size=9))
@settings(deadline=None, max_examples=150)
def test_the_chain_finds_the_best_languages(links: list[tuple[list[int], int]]) -> None:
    scores, prices = [own for own, _ in links], [price for _, price in links]
    best, back = np.array(scores[0], np.int64), np.zeros((len(links), 3), np.int8)
    for i in range(1, len(links)):
        language_decide.step(best, back[i], np.array(scores[i], np.int32), prices[i], 3)
    path = [int(best.argmax())]
    for i in range(len(links) - 1, 0, -1):
        path.append(int(back[i, path[-1]]))
    path.reverse()
    changes = sum(prices[i] for i in range(1, len(links)) if path[i] != path[i - 1])
    assert best.max() == naive_language.best_chain(scores, prices) == sum(own[k] for own, k in zip(scores, path, strict=True)) - changes


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Nobody had expected that la rivière emporterait le sable jusqu'à la mer",
            [("en", "Nobody had expected that"), ("fr", "la rivière emporterait le sable jusqu'à la mer")],
        ),
        (
            "He told me that wir den Bericht morgen früh fertigstellen müssen and then he went home without another word",
            [
                ("en", "He told me that"),
                ("de", "wir den Bericht morgen früh fertigstellen müssen"),
                ("en", "and then he went home without another word"),
            ],
        ),
    ],
)
def test_a_change_of_language_inside_a_sentence_is_found_at_its_word(text: str, parts: list[tuple[str, str]]) -> None:
    assert spans(text) == parts
    assert mixed(text)


@pytest.mark.parametrize(
    ("word", "lang"),
    [
        ("hello", "en"),
        ("bonjour", "fr"),
        ("Straße", "de"),
        ("mañana", "es"),
        ("então", "pt"),
        ("perché", "it"),
        ("değil", "tr"),
        ("tidak", "id"),
    ],
)
def test_a_lone_word_gets_the_best_guess(word: str, lang: str) -> None:
    assert primary([word]) == [lang]


@pytest.mark.parametrize("text", ["Sandpiper", "Maria Lindqvist", "PyTorch", "README", "x"])
def test_names_and_acronyms_alone_are_und(text: str) -> None:
    assert primary([text]) == ["und"]


def test_a_guess_needs_the_least_confidence() -> None:
    word, sure = "casa", float(detect(["casa"], least_confidence=0.0).columns["lang_confidence"][0].as_py())
    # A lone word needs twice as much.
    assert primary([word], least_confidence=max(0.0, sure / 2 - 0.01)) != ["und"]
    assert primary([word], least_confidence=min(1.0, sure / 2 + 0.01)) == ["und"]


@pytest.mark.parametrize(
    ("text", "lang"), [("経済", "ja"), ("東京駅", "ja"), ("北京大学", "zh-Hans"), ("爲君持酒勸斜陽", "zh-Hant"), ("蠎周刊", "zh")]
)
def test_forms_that_only_japanese_has_decide_han_alone(text: str, lang: str) -> None:
    assert primary([text]) == [lang]


def test_han_between_two_languages_follows_its_own_sentence() -> None:
    text = "欧式蛋糕是一类以鸡蛋、面粉、奶油为主要原料的松软食品。日米大学野球、一勝一敗になりました。"
    assert spans(text) == [
        ("zh-Hans", "欧式蛋糕是一类以鸡蛋、面粉、奶油为主要原料的松软食品"),
        ("ja", "日米大学野球、一勝一敗になりました"),
    ]


def test_hosts_in_capitals_carry_no_language() -> None:
    assert primary(["EXAMPLE.COM/COM", "GITHUB.COM"]) == ["und", "und"]


def test_changes_of_language_are_where_spans_of_another_language_begin() -> None:
    rows = ["河水把沙子带到了海里。The river carried the sand. 没有人注意。", "我们說漢語，他们說汉语", "", "We use 淘沙 here"]
    found = detect(rows)
    assert found.columns["lang_switches"].to_pylist() == [[11, 39], [], [], [7, 10]]
    assert rows[0][11:14] == "The"
    assert rows[0][39] == "没"


@given(st.lists(TEXT, min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_rows_do_not_depend_on_order_or_batch(rows: list[str], rng: object) -> None:
    order = list(range(len(rows)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    found = detect(rows + rows)
    again = detect([rows[i] for i in order])
    for column, other in zip(found.columns.values(), again.columns.values(), strict=True):
        first, second = column.to_pylist(), other.to_pylist()
        assert first[: len(rows)] == first[len(rows) :]
        assert [first[i] for i in order] == second


@given(st.lists(TEXT, min_size=1, max_size=3))
@settings(deadline=None, max_examples=100)
def test_changes_are_those_of_the_spans(rows: list[str]) -> None:
    found = detect(rows)
    for spans_of, switches in zip(found.columns["lang_spans"].to_pylist(), found.columns["lang_switches"].to_pylist(), strict=True):
        general = [span["lang"].split("-")[0] for span in spans_of]
        assert switches == [spans_of[i]["start"] for i in range(1, len(general)) if general[i] != general[i - 1]]


@given(st.lists(TEXT, min_size=1, max_size=3), st.data())
@settings(deadline=None, max_examples=80)
def test_cut_atoms_have_the_numbers_of_the_whole(rows: list[str], data: st.DataObject) -> None:
    texts, classes = Texts.of(rows), language.character_classes()
    n, *arrays = atoms.scan(texts.chars, texts.offsets, np.zeros(len(rows), np.bool_), classes, 400)
    arrays = [array[:n] for array in arrays]
    of, starts, ends, kinds, breaks, stats = arrays
    kind = np.where(texts.chars < len(classes), classes[np.minimum(texts.chars, len(classes) - 1)], atoms.OTHER)
    cuts = []
    for a in np.flatnonzero(kinds < atoms.KIND_CJK):
        begins = [i for i in range(starts[a] + 1, ends[a]) if kind[i] >= atoms.ALPHABET and kind[i - 1] <= atoms.SPACE]
        cuts += [(int(a), i) for i in begins if data.draw(st.booleans())]
    cut_atom, cut_at = np.array([a for a, _ in cuts], np.int64), np.array([i for _, i in cuts], np.int64)
    _, new_starts, new_ends, _, new_breaks, new_stats, origin = atoms.cut(
        texts.chars, classes, (of, starts, ends, kinds, breaks, stats), cut_atom, cut_at
    )
    assert sorted(new_starts.tolist()) == sorted([*starts.tolist(), *cut_at.tolist()])
    assert (new_breaks == atoms.WORD_BREAK).sum() == len(cuts)
    for a in range(n):
        mine = origin == a
        assert (new_ends[mine][-1], new_starts[mine][0]) == (ends[a], starts[a])
        assert (new_stats[mine].sum(axis=0) == stats[a]).all()


HAN = st.lists(
    st.sampled_from(["学生", "の", "です", "カメラ", "我们", "的", "県", "駅", "，", "、", "。", "銀行", "食品工業大学院", "x", " "]),
    max_size=14,
)


@given(st.lists(HAN.map("".join), min_size=1, max_size=3))
@settings(deadline=None, max_examples=200)
def test_han_and_kana_are_decided_as_by_the_slow_twin(rows: list[str]) -> None:
    texts, classes = Texts.of(rows), language.character_classes()
    n, *arrays = atoms.scan(texts.chars, texts.offsets, np.zeros(len(rows), np.bool_), classes, 400)
    of, _, _, kinds, breaks, stats = (array[:n] for array in arrays)
    first = np.searchsorted(of, np.arange(len(rows) + 1)).astype(np.int64)
    langs = np.full(n, -1, np.int32)
    language_han.decide_han(first, kinds, breaks, stats, np.zeros(len(rows), np.int32), 1, langs)
    for row in range(len(rows)):
        mine = slice(first[row], first[row + 1])
        assert langs[mine].tolist() == naive_language.han(kinds[mine].tolist(), breaks[mine].tolist(), stats[mine].tolist())
