"""Passages in several languages with the language of every letter known, made from sentences of one language each.

A recipe names what is put together, a style how: `sentence` (one line, sentence after sentence), `paragraph` (a line each) and
`inline` (a clause of one language between two halves of a sentence of the other). The same seed gives the same set. Sentences
come from `own_sentences` (written for these tests) or from a folder of one text file a language, a sentence a line.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

OWN = Path(__file__).parents[1] / "data" / "sentences"
#: Written without spaces between words.
DENSE = ("zh-Hans", "zh-Hant", "ja", "th")
PAIRS = (
    ("zh-Hans", "en"), ("en", "zh-Hans"), ("zh-Hans", "ja"), ("ja", "zh-Hans"), ("zh-Hant", "en"), ("zh-Hans", "ko"), ("zh-Hans", "ru"), ("en", "fr"),
    ("fr", "en"), ("en", "de"), ("de", "en"), ("es", "pt"), ("pt", "es"), ("es", "it"), ("en", "ru"), ("en", "ko"), ("en", "ar"), ("vi", "en"), ("tr", "en"), ("en", "id"),
)  # fmt: skip
SAME_SCRIPT = frozenset({"en+fr", "fr+en", "en+de", "de+en", "es+pt", "pt+es", "es+it", "vi+en", "tr+en", "en+id"})
CODE = (
    '```python\nfor name in sorted(rows):\n    print(name, "is the best of them all")  # the best comes first\n```',
    "```sql\nSELECT name, price FROM goods WHERE price > 10 AND name IS NOT NULL;\n```",
    '```bash\ngit commit -m "read the file before the next one is opened" && make test\n```',
    "```js\nconst total = items.map((item) => item.price).reduce((a, b) => a + b, 0);\n```",
)
#: Names and terms in Chinese prose: these do not make it mixed.
TERMS = (
    "Kubernetes",
    "PyTorch",
    "Maria Lindqvist",
    "open source",
    "GPU",
    "Transformer",
    "machine learning",
    "Tomasz Zielinski",
    "REST API",
    "Linux",
)
_TERM_PLACES = re.compile(r"(?<=的)|(?<=在)|(?<=和)|(?<=是)|(?<=了)")
_CLAUSES = re.compile(r"(?<=[,，、;；:：،])\s*")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Passage:
    """A passage and the truth about it.

    langs : the language of each character, "" for spaces, signs, numbers and code.  mixed : running text in a second language,
    at least a tenth of the letters.  code : begin and end of code.
    """

    text: str
    langs: tuple[str, ...]
    recipe: str
    style: str
    mixed: bool
    code: tuple[tuple[int, int], ...] = ()

    def shares(self) -> dict[str, float]:
        """Share of each language in the letters."""
        letters = [lang for lang in self.langs if lang]
        return {lang: letters.count(lang) / len(letters) for lang in sorted(set(letters))}


def read_sentences(folder: Path = OWN) -> dict[str, list[str]]:
    """Sentences by language, from files named by language."""
    return {path.stem: [line for line in path.read_text("utf-8").split("\n") if line] for path in sorted(folder.glob("*.txt"))}


def _passage(parts: list[tuple[str, str]], recipe: str, style: str) -> Passage:
    """Parts (language or "" for code and separators, text) put one after the other."""
    langs: list[str] = []
    code = []
    for lang, text in parts:
        if lang == "code":
            code.append((len(langs), len(langs) + len(text)))
        langs += [lang if lang not in ("", "code") and _LETTER.match(c) else "" for c in text]
    letters = [lang for lang in langs if lang]
    counts = sorted((letters.count(lang) for lang in {lang for lang, _ in parts} - {"", "code"}), reverse=True)
    mixed = len(counts) > 1 and "terms" not in recipe and recipe != "zh-Hans+zh-Hant" and counts[1] >= 0.1 * sum(counts)
    return Passage("".join(text for _, text in parts), tuple(langs), recipe, style, mixed, tuple(code))


def _joined(pieces: list[tuple[str, str]], gap: str) -> list[tuple[str, str]]:
    """The pieces with a gap between two of them; none after the last."""
    out: list[tuple[str, str]] = []
    for lang, text in pieces:
        if out:
            out.append(("", gap))
        out.append((lang, text))
    return out


def _halves(text: str, lang: str, rng: random.Random) -> tuple[str, str]:
    """A sentence cut in two: after a comma where it has one, else between words (in dense scripts: in the middle)."""
    places = [m.end() for m in _CLAUSES.finditer(text) if 8 <= m.end() <= len(text) - 6]
    if not places and lang not in DENSE:
        places = [m.end() for m in re.finditer(r"\s+", text) if len(text) // 3 <= m.end() <= 2 * len(text) // 3]
    at = rng.choice(places) if places else len(text) // 2
    return text[:at].rstrip(), text[at:].lstrip()


def _clause(text: str) -> str:
    """The longest clause of a sentence, without its stop."""
    return max(_CLAUSES.split(text), key=len).strip(" ,，、;；:：،.。！？!?…؟")


def _inline(a: str, b: str, texts: dict[str, list[str]], rng: random.Random) -> list[tuple[str, str]]:
    left, right = _halves(rng.choice(texts[a]), a, rng)
    inner = _clause(rng.choice([text for text in texts[b] if len(_clause(text)) >= (9 if b in DENSE else 28)]))
    dense = a in DENSE
    comma = "，" if dense else ", "
    if left[-1] in ",，、;；:：،":
        left, comma = left[:-1], comma if dense else f"{left[-1]} "
    return [(a, left), ("", comma), (b, inner), ("", comma), (a, right)]


def _mixed(a: str, b: str, style: str, texts: dict[str, list[str]], rng: random.Random) -> Passage:
    if style == "inline":
        return _passage(_inline(a, b, texts, rng), f"{a}+{b}", style)
    order = [a] * rng.randint(1, 3) + [b] * rng.randint(1, 2)
    if rng.random() < 0.3:
        order.append(a)
    gap = "\n" if style == "paragraph" else "" if a in DENSE and b in DENSE else " "
    return _passage(_joined([(lang, rng.choice(texts[lang])) for lang in order], gap), f"{a}+{b}", style)


def _coded(langs: tuple[str, ...], texts: dict[str, list[str]], rng: random.Random) -> Passage:
    pieces = [(lang, rng.choice(texts[lang])) for lang in langs for _ in range(2)]
    pieces.insert(rng.randint(1, len(pieces)), ("code", rng.choice(CODE)))
    return _passage(_joined(pieces, "\n"), "+".join((*langs, "code")), "paragraph")


def _with_terms(texts: dict[str, list[str]], rng: random.Random) -> Passage:
    parts: list[tuple[str, str]] = []
    for text in rng.sample(texts["zh-Hans"], 2):
        places = [m.start() for m in _TERM_PLACES.finditer(text)]
        at = rng.choice(places) if places else len(text) - 1
        parts += [("zh-Hans", text[:at]), ("en", f" {rng.choice(TERMS)} "), ("zh-Hans", text[at:])]
    return _passage(parts, "zh-Hans+terms", "inline")


def make(texts: dict[str, list[str]], each: int = 20, seed: int = 0) -> list[Passage]:
    """The set: `each` passages of every recipe and style, and as many in one language alone."""
    rng = random.Random(seed)  # noqa: S311 - the same set each time is the point
    out: list[Passage] = []
    for a, b in PAIRS:
        if a in texts and b in texts:
            out += [_mixed(a, b, style, texts, rng) for style in ("sentence", "paragraph", "inline") for _ in range(each)]
    out += [_coded(langs, texts, rng) for langs in (("zh-Hans", "en"), ("zh-Hans",), ("en",)) for _ in range(each)]
    out += [_with_terms(texts, rng) for _ in range(2 * each)]
    if "zh-Hant" in texts:
        out += [_mixed("zh-Hans", "zh-Hant", style, texts, rng) for style in ("sentence", "paragraph") for _ in range(each)]
    for lang in sorted(texts):
        for count in (1, 3):
            gap = "" if lang in DENSE else " "
            out += [_passage(_joined([(lang, t) for t in rng.sample(texts[lang], count)], gap), lang, "pure") for _ in range(each)]
    return out


@dataclass(frozen=True)
class Found:
    """What a detector says of a passage: shares by language, language of each character where it gives one, mixed or not."""

    shares: dict[str, float]
    langs: tuple[str, ...] | None
    mixed: bool


def general(lang: str) -> str:
    """The language without its script."""
    return lang.split("-")[0]


def judge(passages: list[Passage], found: list[Found]) -> dict[str, float]:
    """Figures of a set: F1, precision and recall of mixed; mean share error (half L1); letters right; code named as a language."""
    hits = sum(p.mixed and f.mixed for p, f in zip(passages, found, strict=True))
    said, true = sum(f.mixed for f in found), sum(p.mixed for p in passages)
    error, right, letters, coded, code = 0.0, 0, 0, 0, 0
    for p, f in zip(passages, found, strict=True):
        want, got = _general(p.shares()), _general(f.shares)
        error += 0.5 * sum(abs(want.get(k, 0.0) - got.get(k, 0.0)) for k in {*want, *got})
        if f.langs is not None:
            letters += sum(bool(lang) for lang in p.langs)
            right += sum(bool(a) and general(a) == general(b) for a, b in zip(p.langs, f.langs, strict=True))
            inside = [i for begin, end in p.code for i in range(begin, end) if _LETTER.match(p.text[i])]
            code += len(inside)
            coded += sum(f.langs[i] not in ("", "und") for i in inside)
    precision, recall = hits / said if said else 1.0, hits / true if true else 1.0
    return {
        "passages": len(passages), "f1": 2 * hits / (said + true) if said + true else 1.0, "precision": precision, "recall": recall,
        "share error": error / max(1, len(passages)), "letters": right / max(1, letters), "code": coded / max(1, code),
    }  # fmt: skip


def _general(shares: dict[str, float]) -> dict[str, float]:
    out: dict[str, float] = {}
    for lang, share in shares.items():
        out[general(lang)] = out.get(general(lang), 0.0) + share
    return out
