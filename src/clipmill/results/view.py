"""What `Sample.show` returns: pictures of a sample, and the HTML that a notebook shows."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from clipmill.annotations.inout.schema import IdentityImage
from clipmill.inspection.histogram import number
from clipmill.inspection.painting import Colour
from clipmill.inspection.templates import escaping_environment
from clipmill.samples.schema import SampleObject, SampleRow

_GAP = 4
_THUMBNAIL = 112


@dataclass(frozen=True, eq=False, repr=False)
class SampleView:
    """A sample to look at; the last expression of a notebook's cell shows it.

    Attributes:
        sample_id: The sample.
        sheet: Contact sheet, RGB: frames with masks, boxes, tracks and regions, each with its
            number, counted from the sample's first frame.
        video: The same over every frame, as the bytes of an mp4; None when it was not asked for.
        html: Everything as a fragment that needs no other file: texts are escaped, pictures and
            video lie inside.
    """

    sample_id: str
    sheet: Image.Image
    video: bytes | None
    html: str

    def __repr__(self) -> str:
        width, height = self.sheet.size
        kind = "sheet" if self.video is None else "video and sheet"
        return f"<sample {self.sample_id}: {kind}, {width}x{height} px; a notebook shows it>"

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> None:
        """Write the HTML as a page of its own, UTF-8."""
        page = f'<!doctype html><meta charset="utf-8"><title>{self.sample_id}</title>{self.html}'
        Path(path).write_text(page, encoding="utf-8")


@dataclass(frozen=True)
class _Entry:
    """An object as the page lists it."""

    colour: str
    about: SampleObject
    area: str
    motion: str
    images: tuple[str, ...]


def make_view(
    sample: SampleRow,
    *,
    colours: Sequence[Colour],
    sheet: Image.Image,
    video: bytes | None,
    note: str = "",
) -> SampleView:
    """Put pictures and facts of a sample together.

    Args:
        sample: The sample.
        colours: Of its objects.
        sheet: See `SampleView`.
        video: See `SampleView`.
        note: What the pictures do not show.
    """
    entries = [
        _Entry(
            colour="#" + bytes(colour).hex(),
            about=entry,
            area=f"{100 * entry.area:.1f} %",
            motion=number(entry.motion_compensated),
            images=tuple(map(_thumbnail, _images(entry))),
        )
        for entry, colour in zip(sample.objects, colours, strict=True)
    ]
    html = _template().render(
        sample=sample,
        entries=entries,
        sheet=_data_url("image/jpeg", _encoded(sheet, "JPEG")),
        video=None if video is None else _data_url("video/mp4", video),
        note=note,
    )
    return SampleView(sample.sample_id, sheet, video, html)


def contact_sheet(pictures: Sequence[npt.NDArray[np.uint8]], numbers: Sequence[int]) -> Image.Image:
    """Return pictures of one size in rows, as square as it gets, each with its number.

    Args:
        pictures: At least one uint8 [H, W, 3] RGB.
        numbers: One each.
    """
    height, width = pictures[0].shape[:2]
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    size = columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP
    sheet = Image.new("RGB", size, (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for place, (picture, frame) in enumerate(zip(pictures, numbers, strict=True)):
        row, column = divmod(place, columns)
        corner = column * (width + _GAP), row * (height + _GAP)
        sheet.paste(Image.fromarray(picture), corner)
        text, spot = f"frame {frame}", (corner[0] + 4, corner[1] + 4)
        pen.rectangle(pen.textbbox(spot, text), fill=(0, 0, 0))
        pen.text(spot, text, fill=(255, 255, 255))
    return sheet


@cache
def _template() -> jinja2.Template:
    return escaping_environment("clipmill.results").get_template("sample.html.j2")


def _images(entry: SampleObject) -> list[IdentityImage]:
    return [image for image in (entry.reference, *entry.others) if image is not None]


def _thumbnail(image: IdentityImage) -> str:
    with Image.open(io.BytesIO(image.png)) as picture:
        picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
        return _data_url("image/png", _encoded(picture, "PNG"))


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
