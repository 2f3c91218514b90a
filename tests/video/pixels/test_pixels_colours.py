"""HDR and wide colours come out as BT.709. zscale, another implementation, is the reference."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clipmill.video import FrameSize, VideoReader, index_video
from clipmill.video.pixels.colours import is_convertible
from clipmill.video.pixels.tone import SDR_WHITE, tone_map_for
from media import ffmpeg, make_clip

_TAG = (
    "scale=out_color_matrix=bt709,"
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
    "zscale=tin=bt709:t=linear:npl=203,format=gbrpf32le,"
)
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "6")

Make = Callable[[Path], Path]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Moving colours without hard edges, where the halved resolution of colour says little."""
    path = tmp_path_factory.mktemp("colours") / "plain.mp4"
    return make_clip(path, frames=12, filters="boxblur=6,eq=saturation=0.7:contrast=0.7")


def _deep(plain: Path, out: Path, transfer: str, primaries: str, matrix: str) -> Path:
    tags = f"colorprim={primaries}:transfer={transfer}:colormatrix={matrix}:range=limited"
    chain = (
        f"{_TAG}zscale=p={primaries},zscale=t={transfer}:m={matrix}:r=tv:npl=203,format=yuv420p10le"
    )
    ffmpeg("-i", plain, "-vf", chain, *_X265, "-x265-params", f"{tags}:log-level=none", out)
    return out


def _by_zscale(path: Path) -> np.ndarray:
    """Return the frames as zscale brings them to BT.709, nothing compressed."""
    chain = (
        "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,"
        "zscale=t=bt709:m=gbr:r=pc,format=gbrp"
    )
    raw = ffmpeg(
        "-i", path, "-vf", chain, "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"
    )
    return np.frombuffer(raw, np.uint8).reshape(12, 180, 320, 3).astype(np.int16)


def _frames(path: Path, **options: object) -> np.ndarray:
    with VideoReader(str(path)) as reader:
        return reader.frames(range(12), **options).astype(np.int16)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix"),
    [
        ("smpte2084", "bt2020", "bt2020nc"),
        ("bt709", "bt2020", "bt2020nc"),
        ("bt709", "smpte432", "bt709"),
        ("smpte2084", "smpte432", "bt2020nc"),
    ],
)
def test_what_was_graded_for_sdr_comes_out_as_it_was(
    plain: Path, tmp_path: Path, transfer: str, primaries: str, matrix: str
) -> None:
    path = _deep(plain, tmp_path / "deep.mp4", transfer, primaries, matrix)
    info, index = index_video(str(path))
    facts = info.picture
    assert (facts.transfer, facts.primaries, facts.matrix) == (transfer, primaries, matrix)
    assert (facts.color_range, facts.bit_depth) == ("tv", 10)
    assert facts.altered and index.altered and facts.convertible
    found = _frames(path)
    # The file has lost a little on its way: colours of 8 bits, twice halved in resolution.
    assert np.abs(found - _frames(plain)).mean() < 3
    difference = found - _by_zscale(path)
    assert np.abs(difference).mean() < 1  # they differ in how they double the resolution of colour
    assert np.abs(difference.mean((0, 1, 2))).max() < 0.3


def test_hlg_in_gray(plain: Path, tmp_path: Path) -> None:
    """In colour zscale, as ffmpeg calls it, takes the screen's gamma of each channel by itself."""
    gray = tmp_path / "gray.mp4"
    ffmpeg("-i", plain, "-vf", "hue=s=0", "-c:v", "libx264", "-crf", "10", gray)
    path = _deep(gray, tmp_path / "hlg.mp4", "arib-std-b67", "bt2020", "bt2020nc")
    facts = index_video(str(path))[0].picture
    assert (facts.transfer, facts.altered) == ("arib-std-b67", True)
    difference = _frames(path) - _frames(gray)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("signal", [(0.75, 0.75, 0.75), (0.6, 0.2, 0.3), (0.2, 0.5, 0.1)])
def test_hlg_is_the_light_that_bt_2100_says(signal: tuple[float, float, float]) -> None:
    """The same light as PQ and as HLG gives the same picture."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.array([e * e / 3 if e <= 0.5 else (np.exp((e - c) / a) + b) / 12 for e in signal])
    light = 1000 * scene * (scene @ [0.2627, 0.6780, 0.0593]) ** 0.2  # cd/m2
    if signal == (0.75, 0.75, 0.75):
        assert light == pytest.approx(np.full(3, 203), rel=0.01)
    power = (light / 10_000) ** (2610 / 16384)
    pq = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    shown = [
        tone_map_for(transfer, 9)(np.rint(np.array(levels) * 65280).astype(np.uint16)[None, None])
        for transfer, levels in ((16, pq), (18, signal))
    ]
    np.testing.assert_allclose(shown[0].astype(int), shown[1], atol=1)


def test_every_size_and_gray_are_converted(plain: Path, tmp_path: Path) -> None:
    path = _deep(plain, tmp_path / "pq.mp4", "smpte2084", "bt2020", "bt2020nc")
    small = FrameSize(80, 44)
    assert np.abs(_frames(path, size=small) - _frames(plain, size=small)).mean() < 2.5
    gray = _frames(path, size=FrameSize(80, 44, "gray"))
    rgb = _frames(path, size=small)
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722])
    assert np.abs(gray - luma).max() <= 1


def test_a_plain_file_keeps_ffmpeg_s_own_bytes(plain: Path) -> None:
    info, index = index_video(str(plain))
    assert not info.picture.altered and not index.altered
    assert info.picture.colours == "not named"
    assert tone_map_for(2, 2) is None and tone_map_for(1, 1) is None and tone_map_for(6, 6) is None


def test_highlights_are_compressed_and_never_turned_round() -> None:
    levels = np.arange(0, 65281, 16, dtype=np.uint16)
    gray = np.repeat(levels[None, :, None], 3, axis=2)
    for transfer in (16, 18):
        tone = tone_map_for(transfer, 9)
        assert tone is not None
        shown = tone(gray)[0].astype(int)
        assert (np.diff(shown[:, 0]) >= 0).all()
        assert (np.ptp(shown, axis=1) <= 1).all()  # gray stays gray
        assert (shown[0, 0], shown[-1, 0]) == (0, 255)
    assert SDR_WHITE == 203
    # PQ of 0.58 is diffuse white: near white, with room left for what is brighter.
    tone = tone_map_for(16, 9)
    assert tone is not None
    white, bright, peak = (
        int(tone(np.full((1, 1, 3), round(share * 65280), np.uint16))[0, 0, 0])
        for share in (0.5806, 0.66, 0.7518)
    )
    assert 238 <= white < bright < peak == 255


@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix", "good"),
    [
        (2, 2, 2, True),
        (1, 1, 1, True),
        (16, 9, 9, True),
        (18, 9, 9, True),
        (16, 9, 14, False),  # ICtCp
        (1, 9, 10, False),  # constant luminance
        (8, 1, 1, False),  # linear light
        (9, 1, 1, False),  # logarithm
        (17, 10, 0, False),  # X'Y'Z'
        (13, 1, 8, False),  # YCgCo
    ],
)
def test_what_cannot_be_converted_is_named(
    transfer: int, primaries: int, matrix: int, good: bool
) -> None:
    assert is_convertible(transfer, primaries, matrix) is good


def test_a_file_whose_matrix_is_not_known_says_so(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "ycgco.mp4", frames=5, extra=("-colorspace", "ycgco"))
    facts = index_video(str(path))[0].picture
    assert (facts.matrix, facts.convertible) == ("ycgco", False)


def test_full_range_and_depth_are_facts(tmp_path: Path) -> None:
    full = make_clip(
        tmp_path / "f.mp4", frames=5, pixel_format="yuvj420p", filters="scale=out_range=full"
    )
    deep = make_clip(tmp_path / "d.mp4", frames=5, codec="hevc", pixel_format="yuv420p10le")
    assert index_video(str(full))[0].picture.color_range == "pc"
    assert index_video(str(deep))[0].picture.bit_depth == 10
    assert not index_video(str(deep))[0].picture.altered
