"""Rules of the house that neither a linter nor the import contracts can see."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("gateway", "toolsets", "registry", "toolpacks")
LAYERS = ("audit", "identity", "toolsets", "registry", "toolpacks", "mcp")
HTTP_CLIENTS = {"ClientSession", "TCPConnector", "AsyncClient", "AsyncHTTPTransport", "AsyncConnectionPool", "urlopen"}  # fmt: skip
NAMES_WITHOUT_A_CONCEPT = {"utils", "helpers", "services", "selectors", "common", "managers"}  # fmt: skip


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def test_http_clients_are_built_by_the_guard_only() -> None:
    builders = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in HTTP_CLIENTS
    }

    assert builders
    assert all(path.startswith("gateway/network/") for path in builders)


def test_relations_point_the_way_imports_do() -> None:
    for config in apps.get_app_configs():
        if config.label not in LAYERS:
            continue
        for model in config.get_models():
            for field in model._meta.get_fields(include_parents=False):
                target = field.related_model if field.concrete else None
                if isinstance(target, type) and target._meta.app_label in LAYERS:
                    upward = LAYERS.index(target._meta.app_label) > LAYERS.index(
                        config.label
                    )
                    assert not upward, f"{model.__name__}.{field.name} points up"


def test_every_module_is_named_after_a_concept() -> None:
    assert not {path for path in modules() if path.stem in NAMES_WITHOUT_A_CONCEPT}


def test_every_module_says_what_it_is_responsible_for() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if "migrations" not in path.parts
        and path.name not in {"__init__.py", "apps.py"}
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if re.search(r"os\.(environ\b(?!\.setdefault)|getenv)", path.read_text())
    }

    assert readers == {"gateway/environment.py"}


def test_settings_are_few_and_the_readme_lists_each() -> None:
    source = (ROOT / "gateway" / "settings.py").read_text()
    names = set(re.findall(r'environment\.[a-z]+\(\s*"([A-Z_]+)"', source))
    readme = (ROOT / "README.md").read_text()

    assert "PORT" in names
    assert len(names) <= 25
    assert {name for name in names if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "tests/peers/package-lock.json",
    ],
)
def test_locks_pin_by_digest_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()

    assert "sha256:" in text or '"integrity": "sha512-' in text
    assert not re.search(r'"resolved"|--(extra-)?index-url|--find-links|file:', text)
    assert "://" not in text or name.endswith(".json")


@pytest.mark.parametrize(
    ("folders", "groups"),
    [((*PACKAGES, "examples"), []), (("tests",), ["dev"])],
)
def test_what_is_imported_is_declared(
    folders: tuple[str, ...], groups: list[str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    for group in groups:
        lines += project["dependency-groups"][group]
    declared = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in lines}
    providers = metadata.packages_distributions()

    undeclared = {
        name
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path)
        if name in providers
        and not {one.lower().replace("_", "-") for one in providers[name]} & declared
    }

    assert undeclared <= {"_pytest"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
