"""A bundle as a directory of files: every .yaml, .yml and .json below it, read in the order of their paths."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from toolpacks.bundles.exporting import FOLDERS
from toolpacks.bundles.problems import BundleInvalid, Problem
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.resources import Bundle
from toolpacks.bundles.syntax import MAX_BYTES, Node, read

_ENDINGS = {".yaml", ".yml", ".json"}
_MOST_FILES = 20_000


def read_directory(root: Path) -> Bundle:
    """The bundle that the files make together. Folders whose names begin with a dot are passed over.

    Raises:
        BundleInvalid: with everything that is wrong, or because there is no such directory.
    """
    if not root.is_dir():
        raise _invalid(str(root), "There is no such directory.")
    problems: list[Problem] = []
    nodes: list[Node] = []
    for path in _files(root):
        try:
            nodes += _read_file(root, path)
        except BundleInvalid as exc:
            problems += exc.problems
    try:
        bundle = read_bundle(nodes)
    except BundleInvalid as exc:
        raise BundleInvalid(problems + exc.problems) from exc
    if problems:
        raise BundleInvalid(problems)
    return bundle


def write_directory(root: Path, files: Mapping[str, bytes], *, replace: bool) -> None:
    """Write the files of an export, and with `replace` take away those that it no longer has.

    Raises:
        BundleInvalid: there are other files of bundles, which would be applied with these.
    """
    if root.exists() and not root.is_dir():
        raise _invalid(str(root), "This is not a directory.")
    there = {path.relative_to(root).as_posix() for path in _files(root)}
    others = sorted(there - files.keys())
    strange = [name for name in others if name.split("/")[0] not in FOLDERS.values()]
    if strange or (others and not replace):
        raise BundleInvalid(
            [
                Problem(path="", place=name, text=_IN_THE_WAY)
                for name in strange or others
            ]
        )
    for name in others:
        (root / name).unlink()
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


_IN_THE_WAY = (
    "It is no part of the export, and would be applied with it. "
    "Export into an empty directory, or say --replace to take away what an earlier export left."
)


def _files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in _ENDINGS and path.is_file():
                count += 1
                if count > _MOST_FILES:
                    raise _invalid(str(root), f"More than {_MOST_FILES:,} files.")
                yield path


def _read_file(root: Path, path: Path) -> list[Node]:
    name = path.relative_to(root).as_posix()
    if not path.resolve().is_relative_to(root.resolve()):
        raise _invalid(name, "It is a link that leads out of the directory.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise _invalid(name, f"It cannot be read: {exc.strerror}.") from exc
    return read(data, file=name, is_json=path.suffix.lower() == ".json")


def _invalid(place: str, text: str) -> BundleInvalid:
    return BundleInvalid([Problem(path="", place=place, text=text)])
