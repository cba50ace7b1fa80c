"""Every error that taosha raises on purpose, as one tree.

    TaoshaError                 something a person can mend; printed without a traceback
    ├── SettingsError           exit 2   taosha.toml or a flag is wrong; nothing was read
    ├── UsageError              exit 2   the command line asks for what cannot be done
    ├── GuardStopped            exit 4   a guard stopped the publication
    ├── LockHeld                exit 11  another run holds the output folder
    ├── StorageError            exit 74  the disk failed or lied; the last snapshot is intact
    ├── ConservationError       exit 1   characters do not add up: never published
    └── StageError              exit 1   a stage failed; names the stage and the part
    Quarantine                  not an error of the run: one input is unreadable, with a reason code

A bad input raises `Quarantine`, which the reader turns into a row of `sources`; a bad run raises a `TaoshaError`.
"""

from __future__ import annotations


class TaoshaError(Exception):
    """Base of all errors that are reported to a person in one line. `exit_code` is the process exit status."""

    exit_code = 1


class SettingsError(TaoshaError):
    """A setting is unknown or impossible. The message names file, line, key, what was found and what is allowed."""

    exit_code = 2


class UsageError(TaoshaError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class GuardStopped(TaoshaError):  # noqa: N818 (what happened, in the words of the documents)
    """A guard stopped the publication; the last snapshot stands."""

    exit_code = 4


class LockHeld(TaoshaError):  # noqa: N818 (as above)
    """Another run holds the lock of the output folder."""

    exit_code = 11


class StorageError(TaoshaError):
    """Reading or writing failed (disk full, I/O error, bytes that differ from what was written)."""

    exit_code = 74


class ConservationError(TaoshaError):
    """Some character would be in no table or in two; the run does not publish."""


class StageError(TaoshaError):
    """A stage failed on a part. The message names both; the cause is chained."""


class Quarantine(Exception):  # noqa: N818 (it is a verdict on one input, not a failure of the run)
    """One input cannot be read. `reason` is a short code such as `undecodable`, `bad_json`, `corrupt_gzip`.

    `detail` says what was found and where (offsets, never text of the source).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
