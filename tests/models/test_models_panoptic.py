"""How masks come back to a picture's size, and what the network gets to see."""

from pathlib import Path

import numpy as np
import pytest
import tiny_models

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from clipmill.models.panoptic import MergeRules, NetworkView, enlarged  # noqa: E402
from clipmill.models.segmenter import Segmenter  # noqa: E402

RULES = MergeRules(score=0.0, overlap=0.0)


def edge_of(row: float, rows: int) -> "torch.Tensor":
    """Mask logits [1, rows, 4] that change their sign at `row`, counted from the top edge."""
    centres = torch.arange(rows) + 0.5
    return (centres - row)[None, :, None].expand(1, rows, 4).contiguous()


def where_it_is(masks: "torch.Tensor") -> int:
    return int((masks[0, :, 0] <= 0).sum())


def test_padding_is_cut_off_before_a_mask_is_scaled_to_its_picture() -> None:
    # 512 x 288 goes to the network as 1333 x 750, padded to 1344 x 768; masks are a quarter of it.
    view = NetworkView(padded=(768, 1344), shown=(750, 1333))
    middle = edge_of(375 / 4, 192)
    assert where_it_is(enlarged(middle, size=(288, 512), view=view)) == 144
    # Taken for the picture alone, the same mask ends 3 rows higher.
    assert where_it_is(enlarged(middle, size=(288, 512), view=None)) == 141


def test_masks_are_scaled_twice_as_the_authors_do() -> None:
    masks = torch.randn(3, 24, 32, generator=torch.Generator().manual_seed(0))
    view = NetworkView(padded=(96, 128), shown=(90, 120))
    once = torch.nn.functional.interpolate(
        masks[None], size=(96, 128), mode="bilinear", align_corners=False
    )
    theirs = torch.nn.functional.interpolate(
        once[..., :90, :120], size=(45, 60), mode="bilinear", align_corners=False
    )[0]
    assert torch.equal(enlarged(masks, size=(45, 60), view=view), theirs)


@pytest.mark.parametrize("name", ["oneformer", "mask2former"])
def test_the_network_gets_multiples_of_32_filled_with_zeros(tmp_path: Path, name: str) -> None:
    getattr(tiny_models, f"write_{name}")(tmp_path)
    segmenter = Segmenter(str(tmp_path), revision=None, device=torch.device("cpu"))
    if name == "mask2former":
        segmenter.processor.size_divisor = 0  # it would squeeze the picture into multiples of 32
    seen = {}

    def remember(_module: object, _args: object, kwargs: dict[str, "torch.Tensor"]) -> None:
        seen.update(kwargs)

    segmenter.model.register_forward_pre_hook(remember, with_kwargs=True)
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    (found,) = segmenter.segment([picture], RULES)
    pixels, mask = seen["pixel_values"], seen["pixel_mask"]
    assert pixels.shape == (1, 3, 96, 192) and mask.shape == (1, 96, 192)
    # 96 high, so 170 wide; zero is the mean colour, as pictures are normalised before.
    assert pixels[..., :170].abs().amax((0, 1, 2)).all()
    assert not pixels[..., 171:].any() and not mask[..., 171:].any()
    assert found and found[0].mask.shape == (90, 160)
