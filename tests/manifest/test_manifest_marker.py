"""The marker of an export: what is written comes back, and what cannot be read is refused."""

import json

import pytest

from clipmill.errors import UsageError
from clipmill.manifest.marker import FILES_VERSION, MARKER, ListedFile, Marker, read_marker

FINISHED = Marker(
    "canonical/folder",
    complete=True,
    facts={"pipeline": "é", "settings": {"version": FILES_VERSION}, "samples": 2},
    files={
        "z.jsonl": ListedFile(3, sha256="ab"),
        "videos/a.mp4": ListedFile(5, symlink="/videos/a.mp4"),
        "videos/b.mp4": ListedFile(0, copy="/videos/b.mp4"),
    },
)


@pytest.mark.parametrize("marker", [FINISHED, Marker("plain/webdataset")])
def test_what_is_written_comes_back(tmp_path, marker):
    (tmp_path / MARKER).write_bytes(marker.to_bytes())
    assert read_marker(tmp_path) == marker


def test_the_bytes_are_those_that_earlier_versions_wrote():
    expected = {
        "export": "canonical/folder",
        "complete": True,
        "pipeline": "é",
        "settings": {"version": FILES_VERSION},
        "samples": 2,
        "files": {
            "videos/a.mp4": {"bytes": 5, "symlink": "/videos/a.mp4"},
            "videos/b.mp4": {"bytes": 0, "copy": "/videos/b.mp4"},
            "z.jsonl": {"bytes": 3, "sha256": "ab"},
        },
    }
    text = json.dumps(expected, indent=1, ensure_ascii=False) + "\n"
    assert FINISHED.to_bytes() == text.encode()
    started = b'{\n "export": "frameino",\n "complete": false\n}\n'
    assert Marker("frameino").to_bytes() == started


def test_the_version_of_the_files():
    assert FINISHED.files_version == FILES_VERSION
    assert Marker("frameino", complete=True, facts={"samples": 1}).files_version is None
    assert Marker("canonical/folder", facts={"settings": [1]}).files_version is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"complete": true}',
        b'{"export": "frameino", "files": []}',
        b'{"export": "frameino", "files": {"a": {}}}',
    ],
)
def test_what_is_no_marker_is_refused(tmp_path, content):
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(UsageError, match=rf"{MARKER} cannot be read .*export into a new folder"):
        read_marker(tmp_path)


def test_a_folder_without_a_marker(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_marker(tmp_path)


def test_what_a_later_version_says_of_a_file_does_not_hide_the_rest(tmp_path):
    value = json.loads(FINISHED.to_bytes())
    value["files"]["z.jsonl"]["later"] = 1
    (tmp_path / MARKER).write_text(json.dumps(value))
    assert read_marker(tmp_path).files["z.jsonl"] == ListedFile(3, sha256="ab")
