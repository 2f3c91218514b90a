"""Rules may name what the schema of a row holds; lists of objects are found, not listed."""

import pytest

from clipmill.annotations.columns import columns_of, object_columns, object_ids, object_list
from clipmill.annotations.inout.schema import InOutRow
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.schema import TracksRow


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (ProbeRow, ""),
        (ObjectsRow, "anchors.objects"),
        (TracksRow, "objects"),
        (InOutRow, "objects"),
    ],
)
def test_the_list_of_objects_is_where_the_ids_are(row, path):
    assert object_list(row) == path
    assert bool(object_columns(row)) == bool(path)


def test_numbers_of_objects_and_clips_are_columns_and_blobs_are_not():
    columns = columns_of(ObjectsRow)
    assert {"num_objects", "confidence", "area", "motion"} <= columns.numbers
    assert not columns.numbers & {"mask", "points", "class_name", "first_frame"}
    assert columns_of(ProbeRow).texts >= {"codec", "transfer"}


def test_ids_of_nested_objects_keep_their_order():
    def thing(name: str) -> DetectedObject:
        return DetectedObject(name, "object", 1.0, 0.1, (0.0, 0.0, 1.0, 1.0), b"", b"", None)

    anchors = (Anchor(0, (thing("b"), thing("a"))), Anchor(9, ()), Anchor(20, (thing("c"),)))
    assert object_ids(ObjectsRow(anchors, 2, 3)) == ["b", "a", "c"]
