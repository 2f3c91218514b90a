"""Lines of a manifest, and the files that they name."""

import json

import pytest

from clipmill.manifest.canonical import (
    arrays_name,
    description_name,
    image_name,
    masks_name,
    video_name,
)
from clipmill.manifest.entries import FileEntry, PieceEntry, SampleEntry, pieces_of_line
from clipmill.manifest.names import member_name

KEY = "abababababababab-000000-000120-a00003"
NAMES = (
    video_name(KEY),
    arrays_name(KEY),
    masks_name(KEY),
    image_name(f"{KEY}-o00", 0),
    image_name(f"{KEY}-o00", 1),
    image_name(f"{KEY}-o11", 0),
    description_name(KEY),
)


def in_folder() -> PieceEntry:
    files = tuple(FileEntry(name.path, number, "00") for number, name in enumerate(NAMES))
    return PieceEntry(KEY, {"sample_id": KEY}, files)


def in_shard() -> PieceEntry:
    files = tuple(
        FileEntry(member_name(KEY, name.extension), number, "00", "shards/canonical-000000.tar")
        for number, name in enumerate(NAMES)
    )
    # A shard holds the row as well, under a name that ends like that of the description.
    row = FileEntry(member_name(KEY, "row.json"), 99, "00", "shards/canonical-000000.tar")
    return PieceEntry(KEY, {"sample_id": KEY}, (row, *files))


@pytest.mark.parametrize("piece", [in_folder(), in_shard()])
def test_every_file_of_a_sample_is_found_by_its_name(piece):
    assert [piece.find(name).bytes for name in NAMES] == list(range(len(NAMES)))
    assert piece.find(image_name(f"{KEY}-o01", 0)) is None
    assert piece.find(video_name(KEY.replace("ab", "cd"))) == (
        piece.find(video_name(KEY)) if piece.files[0].shard else None
    )


def test_names_in_a_folder():
    assert [name.path for name in NAMES] == [
        f"videos/ab/{KEY}.mp4",
        f"arrays/ab/{KEY}.npz",
        f"masks/ab/{KEY}.json",
        f"identity/ab/{KEY}-o00/0.png",
        f"identity/ab/{KEY}-o00/1.png",
        f"identity/ab/{KEY}-o11/0.png",
        f"samples/ab/{KEY}.json",
    ]
    assert len({name.extension for name in NAMES}) == len(NAMES)


def test_a_line_comes_back():
    entry = SampleEntry(KEY, "token", (in_folder(), in_shard()))
    left_out = SampleEntry(KEY, "", left_out="too short", kind="left_out")
    for one in (entry, left_out):
        line = one.to_line()
        assert line.isascii() and line.count("\n") == 1 and line.endswith("\n")
        assert SampleEntry.from_line(line) == one
        assert pieces_of_line(line.encode()) == one.pieces


def test_a_line_of_the_first_version_is_read():
    """It had no colours of copies."""
    value = json.loads(SampleEntry(KEY, "token", (in_folder(),)).to_line())
    for file in value["pieces"][0]["files"]:
        del file["colours"]
    assert SampleEntry.from_line(json.dumps(value)).pieces == (in_folder(),)


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "1", "{}", '{"pieces": [{}]}', '{"pieces": [{"key": 1, "row": {}}]}']
)
def test_what_is_no_line_is_told(line):
    with pytest.raises(ValueError):
        SampleEntry.from_line(line)
    with pytest.raises(ValueError):
        pieces_of_line(line.encode())
