import math
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_rows import Group, Part, Row

from clipmill.annotations.registry import ANNOTATIONS
from clipmill.store.records import from_dict, schema_of, to_dict

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
PARTS = st.builds(Part, TEXT, FLOATS, st.binary(max_size=6), st.lists(TEXT, max_size=3).map(tuple))
PART_LISTS = st.lists(PARTS, max_size=3).map(tuple)
GROUPS = st.builds(Group, st.integers(-(2**63), 2**63 - 1), PART_LISTS)
ROWS = st.builds(
    Row,
    number=st.integers(-(2**63), 2**63 - 1),
    score=FLOATS,
    label=TEXT,
    blob=st.binary(max_size=6),
    flag=st.booleans(),
    maybe=st.none() | FLOATS,
    parts=PART_LISTS,
    groups=st.lists(GROUPS, max_size=3).map(tuple),
)


def assert_same(left, right):
    assert type(left) is type(right)
    if isinstance(left, float):
        assert math.isnan(left) == math.isnan(right)
        assert math.isnan(left) or (
            left == right and math.copysign(1, left) == math.copysign(1, right)
        )
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_same(a, b)
    elif hasattr(left, "__dataclass_fields__"):
        for field in fields(left):
            assert_same(getattr(left, field.name), getattr(right, field.name))
    else:
        assert left == right


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=4))
def test_records_come_back_equal_through_arrow(rows):
    table = pa.Table.from_pylist([to_dict(row) for row in rows], schema_of(Row))
    back = [from_dict(Row, entry) for entry in table.to_pylist()]
    assert_same(tuple(rows), tuple(back))


@dataclass(frozen=True)
class Optional:
    one: Part | None
    many: tuple[float, ...] | None
    nested: tuple[tuple[int, ...], ...]


@pytest.mark.parametrize(
    "record",
    [
        Optional(None, None, ()),
        Optional(Part("a", 0.5, b""), (), ((), (1,), (2, 3))),
        Optional(None, (math.nan,), ((),)),
    ],
)
def test_none_and_empty_stay_apart(record):
    table = pa.Table.from_pylist([to_dict(record)], schema_of(Optional))
    assert_same(from_dict(Optional, table.to_pylist()[0]), record)


def test_numpy_numbers_in_fields_are_stored_as_plain_ones():
    record = Part("a", np.float32(0.5), b"", ())
    table = pa.Table.from_pylist([to_dict(record)], schema_of(Part))
    assert table["area"].to_pylist() == [0.5]


def test_every_annotation_of_the_package_has_a_table_layout():
    from importlib import import_module

    for name in ANNOTATIONS:
        module = import_module(f"clipmill.annotations.{name}.schema")
        rows = [v for k, v in vars(module).items() if k.endswith("Row")]
        assert rows
        taken = {"clip_id", "video_id", "status", "error_kind", "error", "seconds"}
        assert not taken & set(schema_of(rows[0]).names)


def test_types_without_a_layout_are_refused():
    @dataclass(frozen=True)
    class Pair:
        value: tuple[int, str]

    @dataclass(frozen=True)
    class Either:
        value: int | str

    @dataclass(frozen=True)
    class Anything:
        value: object

    for record_type in (Pair, Either, Anything):
        with pytest.raises(TypeError):
            schema_of(record_type)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Part("a", "0.5", b""), "area: '0.5' is no number"),
        (Part("a", None, b""), "area: .*NoneType"),
        (Part(None, 0.5, b""), "name: None is a NoneType"),
        (Part("a", 0.5, "text"), "blob: 'text' is a str"),
        (Group(1.0, ()), "index: 'float' object"),
        (Group(0, (Part("a", 0.5, b"", (1,)),)), "parts: tags: 1 is a int"),
        (Group(0, (Group(0, ()),)), "parts: .* is a Group"),
    ],
)
def test_a_value_of_another_type_is_refused_by_the_name_of_its_field(record, text):
    # pyarrow alone stores 1.5 as 1 and None as null, without a word
    with pytest.raises(TypeError, match=text):
        to_dict(record)
