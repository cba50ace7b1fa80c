"""What holds for the repository as a whole: which module may know what, and the tree of errors."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import tasks
from tasks import errors

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*(ROOT / "tasks").rglob("*.py"), *(ROOT / "flows").rglob("*.py")])
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
#: Slow or rare: imported where they are used, so that `taosha --help` and `explain` start at once.
LATE = ("prefect", "trafilatura", "ftfy", "langdetect", "opencc", "jinja2", "rapidfuzz", "chardet", "datasketch", "lxml", "pandas")
MAX_LINES = 400


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """(top-level module imported, whether inside a function)."""

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            return
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], inside) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0], inside
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return visit(tree, False)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# --- Who imports whom -----------------------------------------------------------------------------------------------------


def test_the_code_under_test_is_this_checkout_or_a_wheel_of_its_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert importlib.metadata.version("taosha") == version
    folder = Path(tasks.__file__).resolve().parents[1]
    assert folder == ROOT or folder.name == "site-packages"


#: Prefect looks for the flow of a deployment at the top of a module; nothing imports this one before it is needed.
DEPLOYED = ROOT / "flows" / "deployed.py"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path != DEPLOYED], ids=[name for name in NAMES if name != "flows/deployed.py"]
)
def test_only_flows_know_prefect_and_only_inside_functions(path):
    found = [inside for module, inside in imports(parsed(path)) if module == "prefect"]
    if path.is_relative_to(ROOT / "tasks"):
        assert found == [], "tasks/ never imports prefect"
    assert all(found), "import prefect inside the function that needs it"


def test_stages_never_import_flows():
    assert [
        name for path, name in zip(MODULES, NAMES, strict=True) if name.startswith("tasks") and "flows" in dict(imports(parsed(path)))
    ] == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_slow_libraries_are_imported_late(path):
    assert [module for module, inside in imports(parsed(path)) if module in LATE and not inside and path != DEPLOYED] == []


def test_the_deployed_flow_is_imported_late():
    assert [
        name
        for path, name in zip(MODULES, NAMES, strict=True)
        if re.search(r"^(from|import) flows\.deployed", path.read_text("utf-8"), re.M)
    ] == []


def loaded_after(code: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter after running `code`."""
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_every_stage_loads_no_prefect():
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in NAMES if name.startswith("tasks")]
    assert "prefect" not in loaded_after("import importlib\nfor name in " + repr(names) + ": importlib.import_module(name)")


@pytest.mark.skipif(not (ROOT / "flows" / "cli.py").exists(), reason="there is no command line yet")
def test_importing_the_command_line_loads_nothing_slow():
    assert loaded_after("import flows.cli") & set(LATE) == set()


# --- What is never written ------------------------------------------------------------------------------------------------


def _forbidden(tree: ast.AST) -> Iterator[str]:
    yield from (
        module for module, _ in imports(tree) if module in ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml")
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("eval", "exec", "os.system", "os.popen", "hash") or name.endswith(".load_pickle"):
                yield f"{name}() in line {node.lineno}"
            for keyword in node.keywords:
                if keyword.arg in ("shell", "allow_pickle") and not (
                    isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                ):
                    yield f"{keyword.arg}= in line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_module_runs_data_as_code_or_hashes_by_process(path):
    assert list(_forbidden(parsed(path))) == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(parsed(path)) or not path.read_text(encoding="utf-8").strip()


def tracked() -> list[Path]:
    """Text files that git tracks or would track."""
    try:
        found = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in sorted(set(found.split("\0"))) if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def registry_hosts() -> set[str]:
    """Hosts of this machine's own package indexes (none but the public one may stand in the repository)."""
    values = [value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_")) and "://" in value]
    for path in (
        Path(sys.prefix) / "pip.conf",
        Path.home() / ".pip" / "pip.conf",
        Path.home() / ".config" / "pip" / "pip.conf",
        Path("/etc/pip.conf"),
    ):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(path)
        values += [value for section in parser.sections() for value in parser[section].values() if "://" in value]
    hosts = {urlsplit(word).hostname or "" for value in values for word in value.split()}
    return {host for host in hosts if host not in ("", "localhost", "pypi.org", "files.pythonhosted.org")}


def test_no_tracked_file_names_a_machine():
    private = [f"{ROOT}/", f"{ROOT.parent}/shared", *registry_hosts()]
    pattern = re.compile("|".join([*map(re.escape, private), r"/home/[a-z][\w.-]*/", r"/Users/[A-Za-z][\w.-]*/", r"/root/\w"]))
    me = Path(__file__).resolve()
    found = []
    for path in tracked():
        if path != me:
            text = path.read_bytes().decode("utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_name_no_index_and_pin_every_package_with_hashes(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "://" in line or line.startswith("--")] == []
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert packages
    assert [line for line in packages if "==" not in line or not line.endswith("\\")] == []


# --- Errors ---------------------------------------------------------------------------------------------------------------


def _kinds(base: type[BaseException]) -> list[type[BaseException]]:
    return [base, *(kind for sub in base.__subclasses__() for kind in _kinds(sub))]


def test_the_tree_of_errors_is_the_documented_one():
    documented = dict(re.findall(r"(\w+(?:Error|Stopped|Held)) +exit (\d+)", errors.__doc__ or ""))
    for path in MODULES:
        importlib.import_module(str(path.relative_to(ROOT).with_suffix("")).replace(os.sep, ".").removesuffix(".__init__"))
    actual = {kind.__name__: str(kind.exit_code) for kind in _kinds(errors.TaoshaError)[1:]}
    assert actual == documented


def test_exit_codes_tell_the_operator_what_happened():
    codes = {kind.exit_code for kind in _kinds(errors.TaoshaError)}
    assert codes <= {1, 2, 4, 11, 74}
    assert 0 not in codes


def test_a_quarantine_is_not_an_error_of_the_run():
    verdict = errors.Quarantine("bad_json", "line 3")
    assert not isinstance(verdict, errors.TaoshaError)
    assert (str(verdict), verdict.reason, verdict.detail) == ("bad_json: line 3", "bad_json", "line 3")
    assert str(errors.Quarantine("undecodable")) == "undecodable"
