"""`taosha report --serve`: the tables of a snapshot as pages on this machine, for corpora too large for one file.

Read-only, on the loopback address alone. Nothing of a request ever names a file. Host is checked, so that no page of another site can
read the answers through a name of its own that leads here; the pages hold no script, and their policy would run none.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

import tasks
from tasks import served
from tasks.errors import TaoshaError, UsageError
from tasks.explain import explain, where
from tasks.summary import manifest_of, one_line, visible

_PAGES = Path(tasks.__file__).parent / "assets" / "served"
_ID = re.compile(r"[0-9a-f]{32}\Z")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def application(snapshot: Path, port: int) -> Starlette:
    """The pages of a snapshot, for requests to this port of this machine."""
    pages = _templates(snapshot)

    def page(name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(pages.get_template(name).render(**values), status)

    def listed(request: Request) -> Response:
        table, query = request.path_params["table"], request.query_params.get("q", "")
        if table not in served.SHOWN:
            return page("error.html.j2", 404, said="There is no such page.")
        found = served.ask(snapshot, table, query, _page(request))
        return page("list.html.j2", table=table, query=query, found=found, columns=served.SHOWN[table])

    def passage(request: Request) -> Response:
        return page("passage.html.j2", story=explain(snapshot, _id(request)))

    def family(request: Request) -> Response:
        name = _id(request)
        head = served.members(snapshot, "families", "family_id", name, 1).rows
        if not head:
            return page("error.html.j2", 404, said="No family has this id.")
        found = served.members(snapshot, "occurrences", "family_id", name, _page(request))
        return page("family.html.j2", family=head[0], found=found)

    def cluster(request: Request) -> Response:
        found = served.members(snapshot, "clusters", "cluster_id", _id(request), _page(request))
        return page("cluster.html.j2", found=found) if found.total else page("error.html.j2", 404, said="No cluster has this id.")

    def style(_request: Request) -> Response:
        return Response((_PAGES / "served.css").read_text(encoding="utf-8"), media_type="text/css")

    async def failed(_request: Request, error: Exception) -> Response:
        return page("error.html.j2", 400 if isinstance(error, UsageError) else 500, said=str(error))

    async def missing(_request: Request, _error: Exception) -> Response:
        return page("error.html.j2", 404, said="There is no such page.")

    return Starlette(
        routes=[
            Route("/", lambda _request: RedirectResponse("/list/families")), Route("/style.css", style), Route("/list/{table}", listed),
            Route("/passage/{id}", passage), Route("/family/{id}", family), Route("/cluster/{id}", cluster),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guarded(port))],
        exception_handlers={TaoshaError: failed, 404: missing},
    )  # fmt: skip


def _templates(snapshot: Path) -> Any:
    """The page templates: every value is escaped, and one that is missing is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters.update(visible=visible, one_line=one_line)
    pages.globals.update(snapshot=str(manifest_of(snapshot)["snapshot_id"]), tables=list(served.SHOWN), where=where)
    return pages


def _guarded(port: int) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Requests by a name of this machine alone, GET and HEAD alone, and the headers of every answer."""
    hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def dispatch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.headers.getlist("host") not in [[host] for host in hosts]:
            response: Response = PlainTextResponse("This server answers to 127.0.0.1 and localhost only.\n", 421)
        elif request.method not in ("GET", "HEAD"):
            response = PlainTextResponse("This server is read-only.\n", 405, {"Allow": "GET, HEAD"})
        else:
            response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    return dispatch


def _id(request: Request) -> str:
    name = str(request.path_params["id"])
    if not _ID.match(name):
        raise UsageError("an id has 32 hex digits")
    return name


def _page(request: Request) -> int:
    text = request.query_params.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII):
        raise UsageError("page takes a number from 1")
    return int(text)


def listen(port: int) -> socket.socket:
    """A socket on the loopback address; any free port for 0. Raises UsageError when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise UsageError(f"--port {port}: cannot be used ({error}); name another, or 0 for any") from error
    return listener


def serve(snapshot: Path, listener: socket.socket) -> None:
    """Answer until interrupted."""
    import uvicorn

    app = application(snapshot, listener.getsockname()[1])
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, date_header=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
