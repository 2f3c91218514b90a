"""How often a network is asked: looks cost more than all the rest of following a thing."""

from clipmill.annotations.objects.propagation.frames import Picture
from clipmill.annotations.objects.propagation.look import Network
from clipmill.vision.masks import SoftMask


class Ration:
    """A network that counts how often it may still be asked; it answers beyond that, too.

    Rations may be cut from another: what is asked of one is counted by both.

    Args:
        network: uint8 [H, W, 3] -> float32 [H, W].
        most: How often it may be asked.

    Attributes:
        left: How often it may still be asked; below 0 where more was needed.
    """

    def __init__(self, network: Network, most: int) -> None:
        self._network, self.left = network, most

    def __call__(self, picture: Picture) -> SoftMask:
        """Ask the network."""
        self.left -= 1
        return self._network(picture)
