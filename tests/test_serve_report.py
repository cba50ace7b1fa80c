"""`taosha report --serve` over real HTTP on the loopback address: what it answers, and what it never does."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import uvicorn
from matching_world import paragraph, reworded
from whole import Run, run

from flows.serve_report import application, listen
from tasks.errors import UsageError
from tasks.served import PAGE_ROWS, SHOWN, ask

_RNG = np.random.default_rng(31)
FIRST = paragraph(_RNG, 160)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)></textarea>{{7*7}}\x1b[31m\u202e&quot; " + paragraph(_RNG, 80)


@dataclass
class Served:
    """A server that answers from a run."""

    run: Run
    port: int

    def get(self, path: str, host: str | None = None, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True)
        if host != "":
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return found

    def rows(self, path: str) -> int:
        return int(re.search(r"of ([\d,]+) shown", self.get(path)[1])[1].replace(",", ""))  # type: ignore[index]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "in").mkdir()
    for name, text in (
        ("a.txt", FIRST), ("b.txt", f"{reworded(_RNG, FIRST, 0.04)}\n\n{HOSTILE}"), ("c<img src=x onerror=alert(3)>.txt", f"{HOSTILE}\n\n{FIRST}"),
        *((f"more/{i:03d}.txt", paragraph(_RNG, 40)) for i in range(PAGE_ROWS + 5)),
    ):  # fmt: skip
        path = folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = run([folder / "in"], folder / "out")
    listener = listen(0)
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(done.snapshot, port), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Served(done, port)
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.mark.parametrize("table", sorted(SHOWN))
def test_a_list_shows_every_row_page_by_page(served: Served, table: str) -> None:
    total = len(served.run.rows(table))
    assert served.rows(f"/list/{table}") == total
    seen = [row for page in range(1, -(-total // PAGE_ROWS) + 2) for row in ask(served.run.snapshot, table, "", page).rows]
    assert seen == [{name: row[name] for name in SHOWN[table]} for row in served.run.rows(table)]
    assert ('rel="next"' in served.get(f"/list/{table}")[1]) == (total > PAGE_ROWS)


def test_queries_find_what_the_tables_hold(served: Served) -> None:
    removed, passages, families = (served.run.rows(name) for name in ("removed", "passages", "families"))
    first = FIRST[:12]
    expected = {
        f"/list/passages?q={quote('source:more')}": sum("more" in row["source"] for row in passages),
        f"/list/passages?q={quote('-source:MORE')}": sum("more" not in row["source"] for row in passages),
        f"/list/passages?q={quote(first)}": sum(first in row["text"] for row in passages),
        f"/list/removed?q={quote('sim:>0.9')}": sum((row["similarity"] or 0) > 0.9 for row in removed),
        f"/list/removed?q={quote('-sim:>0.9')}": sum((row["similarity"] or 0) <= 0.9 for row in removed),
        f"/list/removed?q={quote('reason:duplicate text:' + first)}": sum(
            "duplicate" in row["reason"] and first in row["raw"] for row in removed
        ),
        f"/list/families?q={quote('size:>=2')}": sum(row["occurrence_count"] >= 2 for row in families),
        f"/list/passages?q={quote('text:.* source:more')}": 0,
    }
    assert {path: served.rows(path) for path in expected} == expected
    places = {row["family_id"] for row in served.run.rows("occurrences") if "b.txt" in row["source"]}
    assert served.rows("/list/families?q=source:b.txt") == len(places)
    ids = {
        row["passage_id"]
        for name, column in (("passages", "text"), ("removed", "raw"))
        for row in served.run.rows(name)
        if first in row[column]
    }
    assert (
        served.rows(f"/list/clusters?q={quote('text:' + first)}")
        == sum(row["passage_id"] in ids for row in served.run.rows("clusters"))
        > 0
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [("/list/removed?q=size:3", "removed have no size"), ("/list/passages?q=size:many", "takes a number"), ("/list/passages?page=0", "page takes a number"),
     ("/list/passages?page=99999999999999999999", "page takes a number"), ("/passage/zz", "32 hex digits"), ("/passage/" + "0" * 32, "no passage id begins"),
     ("/list/passages?q=" + "x" * 1001, "at most 1,000"), ("/list/passages?page=%C2%B2", "page takes a number")],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_told_so(served: Served, path: str, said: str) -> None:
    status, body, _ = served.get(path)
    assert (status, said in body) == (400, True)


def test_details_are_reached_from_the_lists(served: Served) -> None:
    pages = [f"/list/{table}" for table in SHOWN]
    links = {link for path in pages for link in re.findall(r'href="(/(?:passage|family|cluster)/[0-9a-f]{32})"', served.get(path)[1])}
    assert {link.split("/")[1] for link in links} == {"passage", "family", "cluster"}
    for link in sorted(links):
        assert served.get(link)[0] == 200
    gone = next(row for row in served.run.rows("removed") if row["kept_passage_id"])
    _, body, _ = served.get(f"/passage/{gone['passage_id']}")
    assert f"/passage/{gone['kept_passage_id']}" in body
    assert "the same content is kept in" in body


def test_hostile_text_is_text_on_every_page(served: Served) -> None:
    paths = [f"/list/{table}" for table in SHOWN]
    for table in ("passages", "removed"):
        paths += [
            f"/passage/{row['passage_id']}"
            for row in served.run.rows(table)
            if "img" in row["source"] or "alert" in (row["raw"] or row["text"])
        ]
    paths += [f"/family/{row['family_id']}" for row in served.run.rows("families")]
    paths.append(f"/list/passages?q={quote(HOSTILE[:60])}")
    bodies = [served.get(path)[1] for path in paths]
    for body in bodies:
        assert not re.search(r"<(script|img|/textarea)", body)
        assert not set("\x1b\u202e") & set(body)
        assert "49" not in re.findall(r"\{\{.*?\}\}|49(?=\x1b)", body)
    assert sum("&lt;script&gt;alert(1)&lt;/script&gt;" in body for body in bodies) >= 3


def test_every_answer_carries_a_policy_that_runs_nothing(served: Served) -> None:
    for path in ("/", "/list/families", "/style.css", "/nothing", "/list/passages?page=0"):
        _, body, headers = served.get(path)
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; form-action 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in headers["content-security-policy"]
        assert not re.search(r"style=|<style|https?://", body)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "127.0.0.1:{port}@evil.example", "", "0.0.0.0:{port}"],
)
def test_another_host_gets_no_answer(served: Served, host: str) -> None:
    status, body, _ = served.get("/list/passages", host.format(port=served.port))
    assert status in (400, 421)
    assert FIRST[:6] not in body


def test_this_machine_may_be_called_localhost(served: Served) -> None:
    assert served.get("/list/passages", f"localhost:{served.port}")[0] == 200


@pytest.mark.parametrize("path", ["/../manifest.json", "/%2e%2e/manifest.json", "/list/../../manifest.json", "/list/..%2f..%2fmanifest.json", "/manifest.json",
                                  "/passage/..%2f..%2fmanifest.json", "/style.css/../base.html.j2", "/list/%00", "//etc/passwd", "/report/index.html", "/docs", "/openapi.json"])  # fmt: skip
def test_no_path_leads_to_a_file(served: Served, path: str) -> None:
    status, body, _ = served.get(path)
    assert status in (400, 404)
    assert "schema_version" not in body
    assert "root:" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_read_only(served: Served, method: str) -> None:
    assert served.get("/list/passages", method=method)[0] == 405


def test_it_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        with pytest.raises(UsageError, match="cannot be used"):
            listen(listener.getsockname()[1])
