import numpy as np

from clipmill.annotations.objects.propagation.ration import Ration


def test_a_ration_of_a_ration_is_counted_by_both():
    asked = []

    def network(picture):
        asked.append(picture.shape)
        return np.zeros(picture.shape[:2], np.float32)

    clip = Ration(network, 3)
    one, other = Ration(clip, 2), Ration(clip, 2)
    for ration in (one, one, other, other):
        ration(np.zeros((4, 6, 3), np.uint8))
    assert len(asked) == 4
    assert (one.left, other.left, clip.left) == (0, 0, -1)
