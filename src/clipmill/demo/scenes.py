"""The rendered scenes of the demo.

Those for stage 2 show an object that starts at a side, covers over a tenth of the frame and crosses
it, so that a region without it can be found at the start.
"""

from dataclasses import dataclass, replace

from clipmill.demo.spec import Camera, Scene, Shot, Sprite

FPS = 25

FLOWER = Sprite(
    name="flower",
    photo="flower",
    crop=(168, 86, 444, 360),
    size=(230, 228),
    start=(130, 240),
    velocity=(4.5, 0.0),
    sway=(0.0, 25.0),
    period=80,
)
CUP = Sprite(
    name="cup",
    photo="coffee",
    crop=(75, 12, 482, 378),
    size=(250, 225),
    start=(720, 290),
    velocity=(-4.5, 0.0),
)
CAT = Sprite(
    name="cat",
    photo="chelsea",
    crop=(40, 0, 420, 300),
    size=(280, 221),
    start=(710, 280),
    velocity=(-4.0, -0.6),
    outline="blob",
)
PILOT = Sprite(
    name="pilot",
    photo="astronaut",
    crop=(20, 0, 372, 512),
    size=(220, 320),
    start=(150, 300),
    velocity=(4.5, 0.0),
    outline="superellipse",
)


@dataclass(frozen=True, kw_only=True)
class DemoScene:
    """A scene with its place in the demo; the fields are those of `clips.DemoClip`."""

    name: str
    what: str
    scene: Scene
    basic: str = ""
    stage2: bool = False

    @property
    def file(self) -> str:
        """Name of the video file."""
        return f"{self.name}.mp4"


def _one_shot(
    frames: int,
    background: str,
    *sprites: Sprite,
    camera: Camera = Camera(),  # noqa: B008 - frozen
    **scene: float | str,
) -> Scene:
    shot = Shot(num_frames=frames, background=background, camera=camera, sprites=sprites)
    return replace(Scene(shots=(shot,), fps=FPS), **scene)  # type: ignore[arg-type]


SCENES = (
    DemoScene(
        name="still_camera",
        what="a flower crosses from left to right, camera still",
        scene=_one_shot(125, "gravel", FLOWER),
        stage2=True,
    ),
    DemoScene(
        name="pan",
        what="an astronaut crosses, the camera follows",
        scene=_one_shot(
            125,
            "china",
            replace(PILOT, start=(150, 250), velocity=(6.5, 0.2)),
            camera=Camera(pan=(-2.0, 0.3)),
        ),
        stage2=True,
    ),
    DemoScene(
        name="zoom",
        what="a cat's face crosses from right to left while the camera zooms in",
        scene=_one_shot(120, "brick", CAT, camera=Camera(zoom=1.0015)),
        stage2=True,
    ),
    DemoScene(
        name="crossing",
        what="a flower and a cup cross, the cup passes in front",
        scene=_one_shot(
            130,
            "motorcycle",
            replace(FLOWER, size=(215, 213), start=(120, 160), sway=(0.0, 0.0)),
            replace(CUP, start=(735, 300)),
        ),
        stage2=True,
    ),
    DemoScene(
        name="leaving",
        what="an astronaut leaves through the right edge",
        scene=_one_shot(140, "brick", replace(PILOT, start=(170, 270), velocity=(7.5, 0.0))),
    ),
    DemoScene(
        name="entering",
        what="a cup enters through the left edge",
        # An anchor at a third of the clip needs 155 frames; it lies at frame 52, when most of the
        # cup is in the picture.
        scene=_one_shot(160, "gravel", replace(CUP, start=(-307, 250), velocity=(6.5, 0.0))),
    ),
    DemoScene(
        name="two_shots",
        what="a long shot with a cat, a hard cut, a short shot",
        scene=Scene(
            shots=(
                Shot(num_frames=115, background="ihc", sprites=(CAT,)),
                Shot(num_frames=35, background="rocket", camera=Camera(pan=(-2.0, 0.0))),
            ),
            fps=FPS,
        ),
        stage2=True,
    ),
    DemoScene(
        name="burned_in_text",
        what="a flower crosses over large subtitles",
        scene=_one_shot(
            105,
            "motorcycle",
            replace(FLOWER, start=(130, 170)),
            text="BREAKING: flower crosses\nwatch it again at eight",
        ),
    ),
    DemoScene(
        name="blurred",
        what="out of focus",
        scene=_one_shot(105, "motorcycle", CUP, blur=7.0),
    ),
    DemoScene(
        name="nothing_moves",
        what="a cup that stands still before a still camera",
        scene=_one_shot(105, "china", replace(CUP, start=(430, 280), velocity=(0.0, 0.0))),
    ),
    DemoScene(
        name="dark_and_noisy",
        what="a cat crosses at night",
        scene=_one_shot(105, "rocket", CAT, gain=0.45, noise=7.0),
    ),
    DemoScene(
        name="portrait",
        what="taller than wide",
        scene=_one_shot(105, "rocket", width=272, height=480),
        basic="aspect_ratio",
    ),
    DemoScene(
        name="too_small",
        what="a thumbnail of a video",
        scene=_one_shot(105, "china", width=320, height=180),
        basic="resolution",
    ),
)
