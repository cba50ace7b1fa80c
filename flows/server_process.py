"""A Prefect server as a process of its own: `python -m flows.server_process PORT PARENT embedded|lasting`.

It ends with its parent, even one that was killed: the kernel sends it SIGTERM then.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

#: As Prefect starts its own temporary servers, and without what a run of one flow never uses: automations and block types
#: (a lasting `prefect server start` on the same home registers those itself).
_EMBEDDED = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


def main(port: int, parent: int, kind: str) -> None:
    """Serve the API on loopback until the parent ends; a lasting one with the interface and all services."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we asked
        return
    if kind == "embedded":
        os.environ.update(_EMBEDDED)
    import uvicorn

    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error", lifespan="on")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
