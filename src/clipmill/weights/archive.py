"""Zip archives that hold weights or code."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from clipmill.net.errors import DownloadError


def extract_member(archive: Path, member: str, target: Path) -> None:
    """Write one file of a zip archive to `target`.

    Raises:
        DownloadError: No zip archive, or it has no such file.
    """
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(member) as source,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(source, file, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadError(f"{archive} is no zip archive with '{member}': {error}") from error


def unpack_folder(archive: Path, target: Path) -> tuple[str, ...]:
    """Unpack a zip archive of one folder to `target`, without the folder's own name.

    Returns:
        The names of the files, sorted.

    Raises:
        DownloadError: No zip archive, or names that leave the folder.
    """
    shutil.rmtree(target, ignore_errors=True)
    names = []
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                inside = safe_name(entry.filename).partition("/")[2]
                if entry.is_dir() or not inside:
                    continue
                names.append(inside)
                (target / inside).parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as source, (target / inside).open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{archive} is no zip archive: {error}") from error
    return tuple(sorted(names))


def safe_name(name: str) -> str:
    """Return a relative file name that stays below its folder.

    Raises:
        DownloadError: It does not.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise DownloadError(f"the server names a file that leaves its folder: {name!r}")
    return str(path)
