"""Languages beside other libraries: sentences, pairs of words and single words of 15 languages, mixed passages, and speed.

    python tests/bench/language.py [--each 200] [--peers py3langid,lingua,...] [--cache DIR] [--half 0|1]

Texts come from the package `eld` (a list of sentences that it tests itself with, fetched by pip and never kept in the
repository) and from the sentences in tests/data; without a registry from the latter alone. Words are those of at least 5
letters and pairs those of at least 10, as in lingua's own report; of scripts without spaces, 2 and 4 characters. Every peer
is restricted to the 15 languages where it can be.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "peers"), str(Path(__file__).parents[2])]

import language_mix  # noqa: E402
import peer_environments as environments  # noqa: E402
from side_language import DETECTORS  # noqa: E402

from tasks import language, script  # noqa: E402
from tasks.settings import Language, Script  # noqa: E402
from tasks.store.text import Texts  # noqa: E402

LANGUAGES = ("zh", "en", "ja", "ko", "fr", "de", "es", "ru", "pt", "it", "vi", "th", "ar", "id", "tr")
CANDIDATES = tuple(name for name in LANGUAGES if name not in ("zh", "ja", "ko", "th"))
SOURCE, MEMBER = "eld==1.0.6", "eld/tests/data/big-test.txt"

_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile("[^\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


def own_sentences() -> dict[str, list[str]]:
    """Our sentences by language, without the script."""
    out: dict[str, list[str]] = {}
    for name, texts in language_mix.read_sentences().items():
        out.setdefault(language_mix.general(name), []).extend(texts)
    return out


def fetched_sentences(cache: Path) -> dict[str, list[str]]:
    """Sentences of the package by language; nothing when pip cannot bring it."""
    cache.mkdir(parents=True, exist_ok=True)
    wheels = sorted(cache.glob("eld-*.whl"))
    if not wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "-d", str(cache), SOURCE]
        if subprocess.run(command, capture_output=True).returncode:
            return {}
        wheels = sorted(cache.glob("eld-*.whl"))
    with zipfile.ZipFile(wheels[-1]) as wheel:
        lines = wheel.read(MEMBER).decode("utf-8").split("\n")
    out: dict[str, list[str]] = {}
    for lang, _, text in (line.partition("\t") for line in lines):
        if lang in LANGUAGES and len(text) > 8:
            out.setdefault(lang, []).append(text)
    return out


def words_and_pairs(lang: str, sentences: list[str]) -> tuple[list[str], list[str]]:
    """Distinct words and pairs of neighbouring words, sorted."""
    words, pairs = set(), set()
    for text in sentences:
        if lang in ("zh", "ja", "th"):
            run = _DENSE.sub("", text)
            parts = [run[i : i + 4] for i in range(0, len(run) - 4, 5)]
            pairs |= {part for part in parts if lang != "ja" or re.search("[\u3040-\u30ff]", part)}
            words |= {part[:2] for part in parts if lang != "ja" or re.search("[\u3040-\u30ff]", part[:2])}
            continue
        found = _WORD.findall(text)
        words |= {word for word in found if len(word) >= (2 if lang == "ko" else 5)}
        pairs |= {f"{a} {b}" for a, b in itertools.pairwise(found) if len(a) + len(b) > 8 or lang == "ko"}
    return sorted(words), sorted(pairs)


def texts_of(sentences: dict[str, list[str]], each: int, half: int) -> list[tuple[str, str, str]]:
    """(class, language, text), at most `each` of a class and language, from every other sentence."""
    rng = random.Random(half)  # noqa: S311 - the same texts each time is the point
    out = []
    for lang in LANGUAGES:
        mine = sentences.get(lang, [])[half::2]
        words, pairs = words_and_pairs(lang, mine)
        for name, texts in (("sentence", mine), ("pair", pairs), ("word", words)):
            out += [(name, lang, text) for text in rng.sample(texts, min(each, len(texts)))]
    return out


def ours(texts: list[str]) -> tuple[list[str], float]:
    """Labels and processor seconds of our detector."""
    rows, skip = Texts.of(texts), np.zeros(len(texts), np.bool_)
    labels = script.label(rows, Script())
    language.detect(rows, labels, skip, Language(candidates=CANDIDATES))
    begin = time.process_time()
    found = language.detect(rows, labels, skip, Language(candidates=CANDIDATES)).columns["lang"]
    seconds = time.process_time() - begin
    return [language_mix.general(lang) for lang in found.to_pylist()], seconds


def theirs(name: str, texts: list[str], cache: Path) -> tuple[list[str], float]:
    """Labels and processor seconds of a peer, in its own environment."""
    side = environments.Side(name, "side_language.py", name, name)
    python = environments.python_of(side, cache)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.json", Path(folder) / "out.json"
        source.write_text(json.dumps({"languages": LANGUAGES, "texts": texts}), "utf-8")
        program = Path(__file__).parent / "peers" / "side_language.py"
        subprocess.run([str(python), str(program), name, str(source), str(target)], check=True, capture_output=True, text=True)
        answer = json.loads(target.read_text("utf-8"))
    return answer["labels"], answer["seconds"]


def accuracy(texts: list[tuple[str, str, str]], labels: list[str]) -> dict[str, float]:
    """Per cent right by class, mean of the languages."""
    out = {}
    for name in ("sentence", "pair", "word"):
        by_language = []
        for lang in LANGUAGES:
            right = [label == lang for (kind, of, _), label in zip(texts, labels, strict=True) if kind == name and of == lang]
            by_language += [sum(right) / len(right)] if right else []
        out[name] = 100 * sum(by_language) / len(by_language)
    return out


def found_by_us(passages: list[language_mix.Passage]) -> list[language_mix.Found]:
    """What our detector says of mixed passages, with the default settings."""
    rows = Texts.of([passage.text for passage in passages])
    columns = language.detect(rows, script.label(rows, Script()), np.zeros(len(passages), np.bool_), Language()).columns
    out = []
    for passage, shares, spans, mixed in zip(
        passages, *(columns[name].to_pylist() for name in ("lang_shares", "lang_spans", "is_mixed")), strict=True
    ):
        langs = [""] * len(passage.text)
        for span in spans:
            langs[span["start"] : span["end"]] = [span["lang"]] * (span["end"] - span["start"])
        out.append(language_mix.Found({entry["lang"]: entry["share"] for entry in shares}, tuple(langs), mixed))
    return out


def clean(sentences: dict[str, list[str]]) -> dict[str, list[str]]:
    """Sentences fit for mixing: of one script, neither very short nor long; Chinese by script."""
    out: dict[str, list[str]] = {}
    for lang, texts in sentences.items():
        for text in texts:
            alone = lang not in CANDIDATES or lang in ("ru", "ar")
            if (alone and re.search("[A-Za-zＡ-Ｚａ-ｚ]", text)) or (lang == "ja" and not re.search("[\u3040-\u30ff]", text)):
                continue
            if not (12 if lang in ("zh", "ja") else 30) <= sum(map(str.isalpha, text)) <= 250:
                continue
            name = lang
            if lang == "zh":
                name = {"hans": "zh-Hans", "hant": "zh-Hant"}.get(script.SCRIPTS[script.label(Texts.of([text]), Script())[0]], "")
            if name:
                out.setdefault(name, []).append(text)
    return {lang: texts for lang, texts in out.items() if len(texts) >= 5}


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--each", type=int, default=200)
    options.add_argument("--half", type=int, default=0)
    options.add_argument("--peers", default=",".join(DETECTORS))
    options.add_argument("--cache", type=Path, default=environments.cache())
    chosen = options.parse_args()
    fetched = fetched_sentences(chosen.cache)
    sentences = {lang: [*fetched.get(lang, []), *own_sentences().get(lang, [])] for lang in LANGUAGES}
    texts = texts_of(sentences, chosen.each, chosen.half)
    rows = [text for _, _, text in texts]
    size = sum(len(text.encode()) for text in rows)
    print(
        f"{len(rows):,} texts, {size / 1e6:.1f} MB\n\n| detector | sentences % | pairs % | words % | texts/s | MB/s |\n|---|---|---|---|---|---|"
    )
    for name in ["taosha", *filter(None, chosen.peers.split(","))]:
        try:
            labels, seconds = ours(rows) if name == "taosha" else theirs(name, rows, chosen.cache)
        except (environments.NotInstalledError, subprocess.CalledProcessError) as error:
            print(f"| {name} | not run: {str(getattr(error, 'stderr', '') or error).strip().splitlines()[-1][:120]} |")
            continue
        right = accuracy(texts, labels)
        print(
            f"| {name} | {right['sentence']:.1f} | {right['pair']:.1f} | {right['word']:.1f} | {len(rows) / seconds:,.0f} | {size / 1e6 / seconds:.2f} |"
        )
    for name, source in (
        ("own sentences", language_mix.read_sentences()),
        ("fetched", clean({k: v[chosen.half :: 2] for k, v in fetched.items()})),
    ):
        if source:
            passages = language_mix.make(source, 30)
            figures = language_mix.judge(passages, found_by_us(passages))
            print(f"\nmixed, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
