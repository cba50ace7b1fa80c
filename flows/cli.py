"""The command line. Progress and messages go to stderr, results to stdout; a user's mistake gets one line, never a traceback.

Exit codes: 0 done, 2 usage or settings, 3 published with sources quarantined or needing review, 4 stopped by a guard,
11 another run holds the output folder, 74 the disk failed (the last snapshot is intact), 130 interrupted, 1 anything else.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.errors import StageError, StorageError, TaoshaError, UsageError
from tasks.version import VERSION

app = typer.Typer(
    name="taosha", help="Text quality and deduplication for Chinese and mixed-language corpora.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip
rules_app = typer.Typer(help="List, test and try the boilerplate rules; accept or refuse what was mined.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder that runs publish into.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings; ./taosha.toml when it exists, else the defaults.")]
ARTIFACTS = Path("artifacts")


@app.command()
def run(
    input: Annotated[
        list[Path] | None, typer.Option("--input", "-i", help="File or folder of sources; may be given several times. Default: corpus/.")
    ] = None,
    output: Output = ARTIFACTS,
    config: Config = None,
    direct: Annotated[bool, typer.Option("--direct", help="Run the stages without Prefect.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=0, help="Processes; 0 = one a core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read sources, remove boilerplate and duplicates, publish a verified snapshot with its report."""
    from flows.run import execute

    try:
        code = execute(input or [Path("corpus")], output, config, direct=direct, workers=workers, as_json=as_json)
    except KeyboardInterrupt:  # here, because typer would say nothing
        print("taosha: interrupted; `latest` stands as it was, and the next run goes on from here", file=sys.stderr)
        code = 130
    raise typer.Exit(code)


@app.command()
def schedule(
    cron: Annotated[str, typer.Option("--cron", help='When to run, as a cron expression: "0 3 * * *" is every day at three.')],
    timezone: Annotated[str | None, typer.Option("--timezone", help="Time zone of the expression, as Asia/Shanghai. Default: UTC.")] = None,
    input: Annotated[list[Path] | None, typer.Option("--input", "-i", help="File or folder of sources. Default: corpus/.")] = None,
    output: Output = ARTIFACTS,
    config: Config = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0 = one a core.")] = 0,
    name: Annotated[str, typer.Option("--name", help="Name of the deployment.")] = "scheduled",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the Prefect server on this machine; 0 = any.")] = 4200,
) -> None:
    """Run by a schedule until stopped, under the Prefect server in PREFECT_API_URL or one of its own."""
    from flows.run import job_of
    from flows.schedule import serve
    from flows.server import Unavailable

    inputs = input or [Path("corpus")]
    job_of(inputs, output, config, workers)  # a mistake is told now, not at three in the morning
    parameters = {
        "inputs": [str(path.resolve()) for path in inputs],
        "output": str(output.resolve()),
        "config": str(config.resolve()) if config else None,
        "workers": workers,
    }
    try:
        serve(cron, timezone, name, parameters, port)
    except Unavailable as error:
        raise UsageError(f"no schedule without a Prefect server: {error}") from error


@app.command()
def plan(
    input: Annotated[list[Path] | None, typer.Option("--input", "-i", help="File or folder of sources.")] = None,
    output: Output = ARTIFACTS,
    config: Config = None,
) -> None:
    """Say what a run would read and recompute, without running."""
    from flows.run import preview

    for line in preview(input or [Path("corpus")], output, config):
        print(line)


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="Output folder, or one snapshot in it.")] = ARTIFACTS,
    read_data: Annotated[bool, typer.Option("--read-data/--no-read-data", help="Read every row, not only digests and manifests.")] = True,
    input: Annotated[list[Path] | None, typer.Option("--input", "-i", help="Compare with the sources themselves, too.")] = None,
) -> None:
    """Check every promise again from disk alone; exit 1 when a byte, a row or a sum is wrong."""
    from tasks.verify import render
    from tasks.verify import verify as check

    problems = check(directory, read_data, input)
    print(render(problems))
    raise typer.Exit(1 if problems else 0)


@app.command()
def explain(
    ref: Annotated[str, typer.Argument(help="PASSAGE_ID (or its first six digits or more), SOURCE:OFFSET, or SOURCE:L12.")],
    output: Output = ARTIFACTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell the whole story of a piece of text: where it lay, each edit, signal, rule and pair, the verdict."""
    from rich.console import Console

    from tasks import explain as explaining
    from tasks.explain_text import render

    story = explaining.explain(_snapshot(output), ref)
    if as_json:
        print(explaining.to_json(story))
    else:
        render(story, Console())


@app.command()
def lookup(
    text: Annotated[
        str, typer.Argument(metavar="TEXT|FILE", help="Words, or a file, which is read like a source, or - for standard input.")
    ],
    output: Output = ARTIFACTS,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Places shown of each passage.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where a text, or a part of it, already stands: which passages, kept or removed, and how similar."""
    from rich.console import Console

    snapshot = _snapshot(output)
    from tasks.lookup import lookup as look_up
    from tasks.lookup_text import render, to_json

    answer = look_up(snapshot, text, limit)
    if as_json:
        print(to_json(answer))
    else:
        render(answer, Console())


@app.command()
def report(output: Output = ARTIFACTS, open_page: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False) -> None:
    """Print where the latest report is, and how rules drifted since the snapshot before; what changed stands in the page it names."""
    from tasks.drift import describe
    from tasks.report import with_changes

    snapshot = _snapshot(output)
    page = with_changes(snapshot) or snapshot / "report" / "index.html"
    for line in describe(snapshot.parents[1], snapshot.name):
        print(line, file=sys.stderr)
    print(page)
    if open_page:
        import webbrowser

        webbrowser.open(page.as_uri())


@app.command()
def gc(
    output: Output = ARTIFACTS,
    config: Config = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, help="Snapshots kept beside the latest. Default: publish.keep_snapshots.")
    ] = None,
    grace: Annotated[float, typer.Option("--grace", min=0, help="Hours for which what was in use stays.")] = 24.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Remove old snapshots and stage files that the last run did not use; never what `latest` or a recent reader needs."""
    from flows.run import settings_of
    from tasks.gc import collect
    from tasks.lock import hold

    if not output.is_dir():
        raise UsageError(f"{output}: there is no such folder")
    kept = settings_of(config)[0].publish.keep_snapshots if keep is None else keep
    with hold(output):
        found = collect(output, keep=kept, grace_hours=grace, dry_run=dry_run)
    for path in (*found.snapshots, *found.work, *found.leftovers):
        print(path)
    said = "would free" if dry_run else "freed"
    counts = f"{len(found.snapshots)} snapshots, {len(found.work)} stage folders, {len(found.leftovers)} leftovers"
    print(f"{counts}: {said} {found.byte_count:,} bytes", file=sys.stderr)


@app.command()
def init(path: Annotated[Path, typer.Argument(help="File to write.")] = Path("taosha.toml")) -> None:
    """Write a commented taosha.toml with every setting."""
    from tasks.docs import settings_toml

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(settings_toml())
    except FileExistsError as error:
        raise UsageError(f"{path} exists already; name another file") from error
    print(path)


@app.command()
def doctor(output: Output = ARTIFACTS) -> None:
    """Check what is installed and what would fail; exit 1 when something would."""
    from flows.doctor import examine

    findings = examine(output)
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.found}")
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


@rules_app.command("list")
def rules_list(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a rule, with all its fields.")] = False,
) -> None:
    """Every rule that is on."""
    from tasks.try_rules import to_json

    for rule in _rules(config).rules:
        print(to_json(rule.model_dump()) if as_json else f"{rule.id}\t{rule.category}\t{rule.scope}\t{rule.regex}")


@rules_app.command("test")
def rules_test(config: Config = None) -> None:
    """Run the examples and counter-examples of every rule; exit 1 when one does not hold."""
    from tasks.rulepack import failing_examples

    rules = list(_rules(config).rules)
    failing = failing_examples(rules)
    for line in failing:
        print(line)
    print(f"{len(rules)} rules, {len(failing)} examples that do not hold")
    raise typer.Exit(1 if failing else 0)


@rules_app.command("try")
def rules_try(
    path: Annotated[Path, typer.Argument(help="A file or folder.")],
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a document.")] = False,
) -> None:
    """Show which lines of a file or folder the rules would remove, and why, with the lines beside them."""
    from flows.run import settings_of
    from tasks.try_rules import as_text, to_json, try_rules

    settings, base = settings_of(config)
    for record in try_rules(path, settings, base):
        print(to_json(record) if as_json else as_text(record))


@rules_app.command("accept")
def rules_accept(
    rule: Annotated[str, typer.Argument(help="Id of a mined template (or its beginning); with --ceiling any rule, or collection:NAME.")],
    ceiling: Annotated[float | None, typer.Option("--ceiling", help="Share of a collection that the rule may remove.")] = None,
    output: Output = ARTIFACTS,
    config: Config = None,
) -> None:
    """Freeze a mined template into your rule file; or accept how much a rule removes, after a guard stopped a run."""
    from flows.run import settings_of
    from tasks import review

    settings, base = settings_of(config)
    if ceiling is not None:
        print(review.accept_ceiling(rule, ceiling, settings, base))
    else:
        print(review.accept(_snapshot(output), rule, settings, base))


@rules_app.command("refuse")
def rules_refuse(
    rule: Annotated[str, typer.Argument(help="Id of a mined template, or its beginning.")],
    output: Output = ARTIFACTS,
    config: Config = None,
) -> None:
    """Refuse a mined template for good: its lines stay."""
    from flows.run import settings_of
    from tasks import review

    settings, base = settings_of(config)
    print(review.refuse(_snapshot(output), rule, settings, base))


@app.command(hidden=True)
def version() -> None:
    """Print the version."""
    print(VERSION)


def _rules(config: Path | None) -> Any:
    from flows.run import settings_of
    from tasks.boilerplate import load_rules

    settings, base = settings_of(config)
    return load_rules(settings.boilerplate, base)


def _snapshot(output: Path) -> Path:
    """The snapshot of an output folder, resolved once, or the folder itself when it is one."""
    from tasks.publish import latest

    found = latest(output) or (output if (output / "manifest.json").is_file() else None)
    if found is None:
        raise UsageError(f"{output} holds no snapshot; run `taosha run --output {output}` first")
    return found


def main() -> None:
    """Entry point of the `taosha` command."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    try:
        app(standalone_mode=True)
    except TaoshaError as error:
        if isinstance(error, StageError):  # nobody's mistake but ours: whoever reports it needs the place
            traceback.print_exception(error.__cause__, file=sys.stderr)
        print(f"taosha: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        print(f"taosha: {error}", file=sys.stderr)
        sys.exit(StorageError.exit_code)


if __name__ == "__main__":
    main()
