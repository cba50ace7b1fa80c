"""The command line: what it prints where, exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import whole

from tasks.lock import hold

CORPUS = whole.ROOT / "corpus"
COMMANDS = (
    [], ["run"], ["plan"], ["verify"], ["explain"], ["report"], ["init"], ["doctor"], ["rules"], ["rules", "list"], ["rules", "test"], ["rules", "try"],
)  # fmt: skip


def ask(capfd: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    """`taosha ARGS` in this process: exit code, stdout, stderr. Much quicker than a process of its own."""
    from flows import cli

    capfd.readouterr()
    kept = sys.argv
    sys.argv = ["taosha", *map(str, args)]
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    finally:
        sys.argv = kept
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capfd, *command, "--help")
    assert code == 0
    assert "Usage" in out


def test_help_is_light() -> None:
    """Nothing heavy is imported for it: not Prefect, not numba, not pyarrow."""
    script = "import sys; sys.argv = ['taosha', '--help']\nfrom flows.cli import main\ntry:\n    main()\nexcept SystemExit: pass\n"
    script += "print(*[name for name in ('prefect', 'numba', 'pyarrow', 'numpy', 'pydantic') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], env=whole.child_environment(), capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout.splitlines()[-1] == ""


def test_a_run_prints_paths_on_stdout_and_everything_else_on_stderr(tmp_path: Path) -> None:
    done = whole.command("run", "--direct", "-i", CORPUS, "-o", "out", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 3
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["snapshot", "report"]
    for line in done.stdout.splitlines():
        assert (tmp_path / line.split()[1]).exists()
    assert "annotate" in done.stderr
    assert "broken/torn-scan.txt" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    record = json.loads((tmp_path / "out" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert record["engine"] == "direct"
    assert [stage["name"] for stage in record["stages"]] == ["discover", "read", "annotate", "match", "model", "decide", "write", "publish"]


def test_json_is_one_document_on_stdout(sample_run: whole.Run) -> None:
    assert sample_run.answer["new"] is True
    assert sample_run.answer["summary"]["characters"]["unaccounted"] == 0


def test_an_unknown_setting_stops_before_anything_is_read_and_names_the_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "taosha.toml"
    settings.write_text("[matching]\n# a comment\nbandz = 3\n")
    code, out, err = ask(capfd, "run", "--direct", "-i", CORPUS, "-o", tmp_path / "out", "-c", settings)
    assert code == 2
    assert out == ""
    assert f"{settings}:3" in err
    assert "bands" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "args", [["run", "--direct", "-i", "nowhere"], ["plan", "-i", "nowhere"], ["rules", "try", "nowhere"]], ids=lambda a: a[0]
)
def test_a_missing_input_is_a_usage_error(
    args: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = ask(capfd, *args)
    assert code == 2
    assert out == ""
    assert "nowhere" in err
    assert not list(tmp_path.iterdir())


def test_an_output_inside_the_input_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in (tmp_path / "in", tmp_path / "in" / "out", tmp_path / "link" / "out"):
        code, _, err = ask(capfd, "run", "--direct", "-i", tmp_path / "in", "-o", output)
        assert code == 2
        assert "inside" in err


def test_a_held_lock_is_11_and_says_who_holds_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with hold(tmp_path / "out"):
        code, out, err = ask(capfd, "run", "--direct", "-i", CORPUS, "-o", tmp_path / "out")
    assert code == 11
    assert out == ""
    assert str(os.getpid()) in err


def test_an_output_that_cannot_be_written_is_74(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("not a folder")
    code, out, err = ask(capfd, "run", "--direct", "-i", CORPUS, "-o", tmp_path / "file" / "out")
    assert code == 74
    assert out == ""
    assert "file" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_74_and_the_last_snapshot_stands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a tmpfs")
    try:
        folder = tmp_path / "in"
        folder.mkdir()
        shutil.copy(CORPUS / "captions" / "pier.srt", folder)
        code, _, err = ask(capfd, "run", "--direct", "-i", folder, "-o", disk / "out", "--workers", "1")
        assert code == 0, err
        before = whole.sums(disk / "out")
        shutil.copytree(CORPUS, folder / "more")
        free = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(bytes(free - (300 << 10)))
        code, out, err = ask(capfd, "run", "--direct", "-i", folder, "-o", disk / "out", "--workers", "1")
        assert code == 74, err
        assert out == ""
        assert "snapshot is intact" in err or "No space" in err
        assert whole.sums(disk / "out") == before
        assert ask(capfd, "verify", disk / "out")[0] == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_shrunken_input_is_stopped_by_the_guard_with_4(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    shutil.copytree(CORPUS, folder)
    whole.run([folder], tmp_path / "out")
    before = whole.sums(tmp_path / "out")
    for name in ("captions", "news", "podcasts", "rewrites", "newsletter"):
        shutil.rmtree(folder / name)
    code, out, err = ask(capfd, "run", "--direct", "-i", folder, "-o", tmp_path / "out", "-c", tmp_path / "defaults.toml", "--workers", "1")
    assert code == 4
    assert out == ""
    assert "max_shrink" in err
    assert whole.sums(tmp_path / "out") == before


def test_plan_says_what_a_run_would_do_and_does_nothing(sample_run: whole.Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = sample_run.output.parent / "defaults.toml"
    code, out, _ = ask(capfd, "plan", "-i", CORPUS, "-o", sample_run.output, "-c", settings)
    assert code == 0
    assert "nothing changed" in out
    assert "to read   0 cells" in out
    code, out, _ = ask(capfd, "plan", "-i", CORPUS, "-o", tmp_path / "fresh", "-c", settings)
    assert code == 0
    assert "nothing changed" not in out
    assert "to read   0 cells" not in out
    assert not (tmp_path / "fresh").exists()


def test_explain_finds_by_id_by_offset_and_by_line(sample_run: whole.Run, capfd: pytest.CaptureFixture[str]) -> None:
    row = next(r for r in sample_run.rows("removed") if r["reason"] == "near_duplicate")
    told = []
    for ref in (row["passage_id"], row["passage_id"][:12], f"{row['source']}:{row['char_start']}", f"{row['source']}:L{row['line_start']}"):
        if row["record"]:
            ref = ref.replace(":", f"#{row['record']}:")
        code, out, _ = ask(capfd, "explain", ref, "-o", sample_run.output, "--json")
        assert code == 0
        told.append(json.loads(out))
    assert all(story["row"]["passage_id"] == row["passage_id"] for story in told)
    assert told[0]["verdict"] == "removed"
    assert told[0]["twin"]["passage_id"] == row["kept_passage_id"]
    code, out, _ = ask(capfd, "explain", row["passage_id"], "-o", sample_run.output)
    assert code == 0
    assert "near duplicate" in out


@pytest.mark.parametrize("ref", ["ffffffffffff", "news/nothing.txt:L1", "news/old-bridge.txt:L9999", "what?"])
def test_explain_of_nothing_is_a_usage_error(ref: str, sample_run: whole.Run, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capfd, "explain", ref, "-o", sample_run.output)
    assert code == 2
    assert out == ""
    assert err.startswith("taosha: ")


@pytest.mark.parametrize("args", [["explain", "abcdef"], ["report"]], ids=lambda a: a[0])
def test_without_a_snapshot_the_message_says_how_to_make_one(args: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capfd, *args, "-o", tmp_path)
    assert code == 2
    assert "taosha run" in err


def test_verify_is_clean_and_one_changed_byte_is_found(sample_run: whole.Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(capfd, "verify", sample_run.output, "-i", CORPUS)[:2] == (0, "Every promise holds.\n")
    shutil.copytree(sample_run.output, tmp_path / "out", symlinks=True)
    path = next((tmp_path / "out" / "latest" / "passages").glob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for flag in ("--read-data", "--no-read-data"):
        code, out, _ = ask(capfd, "verify", tmp_path / "out", flag)
        assert code == 1
        assert path.name in out
    assert ask(capfd, "verify", tmp_path / "nothing")[0] == 1


def test_a_damaged_snapshot_is_built_again_by_the_next_run(sample_run: whole.Run, tmp_path: Path) -> None:
    shutil.copytree(sample_run.output, tmp_path / "out", symlinks=True)
    path = next((tmp_path / "out" / "latest" / "passages").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    again = whole.run([CORPUS], tmp_path / "out")
    assert again.answer["new"]
    assert again.sums == sample_run.sums


def test_report_names_the_page(sample_run: whole.Run, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capfd, "report", "-o", sample_run.output)
    assert code == 0
    assert Path(out.strip()).is_file()


def test_init_writes_settings_that_load_and_overwrites_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from tasks.settings import Settings, load

    path = tmp_path / "new.toml"
    code, out, _ = ask(capfd, "init", path)
    assert code == 0
    assert out.strip() == str(path)
    assert load(path) == Settings()
    assert ask(capfd, "init", path)[0] == 2
    assert ask(capfd, "init", tmp_path / "no" / "folder.toml")[0] == 74


def test_doctor_finds_this_environment_sound(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capfd, "doctor", "-o", tmp_path / "out")
    assert code == 0, out
    assert "FAIL" not in out
    assert not (tmp_path / "out").exists()


def test_rules_are_listed_tested_and_tried(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capfd, "rules", "list")
    assert code == 0
    assert len(out.splitlines()) > 50
    code, out, _ = ask(capfd, "rules", "test")
    assert code == 0, out
    code, out, _ = ask(capfd, "rules", "try", CORPUS / "news" / "old-bridge.txt")
    assert code == 0
    assert "navigation" in out


def test_a_rule_whose_example_does_not_hold_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(
        '[[rule]]\nid = "own.greeting"\ncategory = "greeting"\npattern = "早上好.{0,20}"\nscope = "line"\n'
        'examples = ["晚上好"]\ncounter_examples = ["他说早上好的时候天还没亮，我们已经走出去很远了。"]\n',
        encoding="utf-8",
    )
    (tmp_path / "taosha.toml").write_text('[boilerplate]\nfiles = ["own.toml"]\n')
    code, out, err = ask(capfd, "rules", "test", "-c", tmp_path / "taosha.toml")
    assert code in (1, 2)
    assert "own.greeting" in out + err


def test_an_interrupt_is_130_and_leaves_nothing_visible(tmp_path: Path) -> None:
    import signal
    import time

    args = [sys.executable, "-m", "flows.cli", "run", "--direct", "-i", str(CORPUS), "-o", str(tmp_path / "out"), "--workers", "1"]
    with subprocess.Popen(
        args, env=whole.child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, text=True, encoding="utf-8"
    ) as running:
        while not (tmp_path / "out" / "work" / "annotate").exists():
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert "interrupted" in err
    assert not (tmp_path / "out" / "latest").exists()
