"""text-dedup's MinHash with its exact check on: its own functions in the order of its own `main`, without the saving.

Its stock tokenizer splits at what is no letter, which makes a Chinese clause one word; a character tokenizer is patched in.
It verifies pairs exactly, and then keeps the clusters as they were before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from side import GRAM, PERMUTATIONS, THRESHOLD, Answer, Clock, compared, main
from text_dedup import minhash
from text_dedup.config import Config, MinHashAlgorithmConfig

MinHashAlgorithmConfig._get_tokenize_func = lambda self: lambda text: list(compared(text))


def run(path: Path, clock: Clock) -> Answer:
    with tempfile.TemporaryDirectory() as cache:  # `datasets` would answer the second run from its cache
        source = {"path": "parquet", "data_files": str(path), "split": "train", "cache_dir": cache}
        method = {"num_perm": PERMUTATIONS, "ngram_size": GRAM, "threshold": THRESHOLD, "check_false_positive": True, "num_proc": 1}
        Config.model_config["toml_file"] = None
        config = Config.model_validate(
            {
                "input": {"input_type": "local_files", "read_arguments": source},
                "algorithm": {"algorithm_name": "minhash", "text_column": "text", **method},
                "output": {"output_dir": cache},
                "debug": {},
            }
        )
        data, rows, _ = minhash.load_and_preprocess(config)
        clock.lap("read and filter")
        signatures = minhash.fingerprint(config, data)
        clock.lap("normalise, shingle and sign")
        parents = minhash.cluster(config, signatures)
        clock.lap("cluster")
        data = minhash.assign(config, data, parents)
        clock.lap("assign")
        data, _ = minhash.check_false_positives(config, data)
        clock.lap("verify")
        labels = -1 - np.arange(rows)
        labels[np.array(data[config.algorithm.internal_index_column])] = np.array(data[config.algorithm.cluster_column])
    return Answer(labels=labels)


if __name__ == "__main__":
    main(run, ("text-dedup", "datasets", "polars"))
