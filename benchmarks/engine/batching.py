"""Throughput of AutoShot and IC9600, batched as the backends run them, against one by one.

    python benchmarks/engine/batching.py [--repeats 5] [--device cpu]

Weights are random: they change no timing. Compared are

- `one by one`: the network as published, one window or one picture a call;
- `rearranged, one by one`: the backend's form of the network, one a call;
- `batched`: the backend's form, several a call.

On a CPU, several a call gain nothing: one window is 100 frames, one picture 17 billion
multiplications, and both keep all cores busy; larger tensors only leave the caches. What gains
there is the rearrangement (channels last, 2-D convolutions, folded normalisation, no map that
nobody reads), so the backend's defaults on a CPU are one window and one clip's three pictures.

The variants take turns, and the fastest turn of each counts, so that other load on the machine
hits all alike. CPU seconds are the better guide on a machine that is not idle.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from clipmill.models.autoshot import HEIGHT, WIDTH, WINDOW, AutoShot, FusedAutoShot
from clipmill.models.device import choose_device, full_precision, inference
from clipmill.models.folding import fold_batch_norms
from clipmill.models.ic9600 import SIDE, ICNet

Variant = tuple[Callable[[torch.Tensor], object], int]


def autoshot(device: torch.device, batch: int) -> Mapping[str, Variant]:
    network = AutoShot().eval()
    fused = FusedAutoShot(network).to(device)
    network = network.to(device)
    return {
        "one by one": (network, 1),
        "rearranged, one by one": (fused, 1),
        f"batched, {batch} a call": (fused, batch),
    }


def ic9600(device: torch.device, batch: int) -> Mapping[str, Variant]:
    network = ICNet().eval().to(device)
    fast = ICNet().eval().requires_grad_(False)
    fold_batch_norms(fast)
    fast = fast.to(device, memory_format=torch.channels_last)
    return {
        "one by one": (network, 1),
        "rearranged, one by one": (fast.score, 1),
        f"batched, {batch} a call": (fast.score, batch),
    }


@dataclass
class Seconds:
    """The fastest turn of a variant, seconds per item."""

    wall: float = float("inf")
    cpu: float = float("inf")


def measure(
    variants: Mapping[str, Variant], items: torch.Tensor, repeats: int
) -> dict[str, Seconds]:
    best = {name: Seconds() for name in variants}
    for _ in range(repeats + 1):  # the first turn also warms up
        for name, (run, size) in variants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            for part in items.split(size):
                run(part)
            if items.is_cuda:
                torch.cuda.synchronize()
            fastest, count = best[name], len(items)
            fastest.wall = min(fastest.wall, (time.perf_counter() - wall) / count)
            fastest.cpu = min(fastest.cpu, (time.process_time() - cpu) / count)
    return best


def report(title: str, unit: str, seconds: Mapping[str, Seconds]) -> None:
    base = next(iter(seconds.values()))
    print(f"\n{title:34} {unit + '/s':>12} {'ratio':>7} {'CPU s':>8} {'ratio':>7}")
    for name, own in seconds.items():
        print(
            f"{name:34} {1 / own.wall:12.2f} {base.wall / own.wall:7.2f} "
            f"{own.cpu:8.3f} {base.cpu / own.cpu:7.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    on_cpu = device.type == "cpu"
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads")
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        values = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return values.to(device)

    with inference(), full_precision(device):
        windows, pictures = (4, 3) if on_cpu else (32, 24)
        clips = random(windows, WINDOW, HEIGHT, WIDTH, 3)
        times = measure(autoshot(device, windows), clips, arguments.repeats)
        report("AutoShot, windows of 100 frames", "windows", times)
        frames = random(pictures, SIDE, SIDE, 3)
        times = measure(ic9600(device, pictures), frames, arguments.repeats)
        report("IC9600, pictures of 512 x 512", "pictures", times)


if __name__ == "__main__":
    main()
