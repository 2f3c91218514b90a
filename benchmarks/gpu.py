"""What every reference stage costs on a GPU, without the network and without trained weights.

    python benchmarks/gpu.py [--output DIR] [--seconds 10] [--stages shots,objects] [--skip caption]

Networks have their published sizes and random weights, which the benchmark writes in the published
formats and the backends load as they load the real ones. Clips are made here and decoded as in a
run: the engine's worker decodes in threads ahead of the model. Each stage runs in a process of its
own, once for every `--feed THREADSxAHEAD`, and a stage that fails leaves the others alone.

`model busy` is the share of time in which the worker is inside the model's call (which for some
backends does more than compute: `inout` also decodes there), `GPU busy` the share in which kernels
ran, as the driver tells. Both leave out the first call, which also warms up.

Then AutoShot, IC9600 and VGGT4Track are compared with outputs of the published networks, in
float32, TF32 and bfloat16.

Everything is printed, and written to DIR/gpu.json and DIR/gpu.md after each stage. `--tiny` is the
same with tiny networks and clips on the CPU. What a machine without network may lack:
`gather_wheels.py`.
"""

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "support")]

_ROOMY = Path("/dev/shm")
_ROOM = 24 * 2**30
_SETUP_LIMIT, _PATIENT = 150.0, 3600.0
"""Seconds to write and load weights, or make clips; on a CPU, whose time others may take, more."""
_PRELOAD = [
    "torch", "transformers", "clipmill.engine.inprocess", "gpu_chain.stages",
    "transformers.models.oneformer.modeling_oneformer",
    "transformers.models.sam2_video.modeling_sam2_video",
    "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
]  # fmt: skip


def main() -> None:
    options = _options()
    wanted = _wanted(options)
    # CUDA is counted by its driver's library, which a forked process may be asked for again.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    multiprocessing.set_forkserver_preload(_PRELOAD)
    options.output.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + options.total
    folder = Path(tempfile.mkdtemp(prefix="clipmill-gpu-", dir=_scratch(options)))
    found: dict[str, Any] = {"machine": {}, "clips": "", "stages": [], "goldens": []}
    try:
        _prepare(folder, options, found)
        if not options.no_goldens:
            _run_goldens(options, found, end=end)
        for name in wanted:
            _run_stage(name, folder, options, found, end=end)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{(options.output / 'gpu.md').read_text('utf-8')}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--output", type=Path, default=Path("gpu-benchmark"), help="folder of the results")
    add("--stages", default="", help="names, with commas; all of them when empty")
    add("--skip", default="", help="names, with commas")
    add("--seconds", type=float, default=10.0, help="for how long a stage takes clips, per feed")
    add("--total", type=float, help="seconds for everything; 465, or an hour with --tiny")
    add("--feed", action="append", help="THREADSxAHEAD, e.g. 1x1; may be given several times")
    add("--goldens", type=Path, default=ROOT / "tests" / "goldens", help="folder of the goldens")
    add("--no-goldens", action="store_true", help="leave out the comparison with them")
    add("--scratch", type=Path, help="folder for weights; in memory when there is room")
    add("--device", default="", help="torch device; cuda, or cpu with --tiny")
    add("--tiny", action="store_true", help="tiny networks and clips, two calls of each model")
    options = parser.parse_args()
    options.device = options.device or ("cpu" if options.tiny else "cuda")
    options.setup_limit = _PATIENT if options.tiny else _SETUP_LIMIT
    if options.total is None:
        options.total = _PATIENT if options.tiny else 465.0
    if options.tiny:
        options.seconds = 0.0
    many = min(8, os.cpu_count() or 1)
    options.feed = options.feed or (["2x2"] if options.tiny else ["1x1", f"{many}x{2 * many}"])
    return options


def _scratch(options: argparse.Namespace) -> Path | None:
    if options.scratch or options.tiny:
        return options.scratch
    roomy = _ROOMY.is_dir() and shutil.disk_usage(_ROOMY).free > _ROOM
    return _ROOMY if roomy else None


def _prepare(folder: Path, options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Make the clips and tell the machine, in processes of their own: CUDA starts in no parent.

    Processes are forked from one that has imported the libraries, which saves seconds a stage;
    where CUDA does not work in such a process, they begin anew.
    """
    began = time.monotonic()
    for method in ("forkserver", "spawn"):
        multiprocessing.set_start_method(method, force=True)
        *_, message = _in_a_process(_machine, (options,), limit=options.setup_limit)
        if "stopped" not in message:
            break
        print(f"{method}: {message['stopped']}")
    found |= message
    *_, message = _in_a_process(_make_clips, (folder, options), limit=options.setup_limit)
    found |= message
    if "stopped" in found:
        raise SystemExit(f"nothing can be measured: {found['stopped']}")
    print(f"{found['machine']}\n{found['clips']}, made in {time.monotonic() - began:.1f} s")


def _wanted(options: argparse.Namespace) -> list[str]:
    from gpu_chain.stages import STAGES

    known = [stage.name for stage in STAGES]
    asked = options.stages.split(",") if options.stages else known
    unknown = sorted({*asked, *filter(None, options.skip.split(","))} - set(known))
    if unknown:
        raise SystemExit(f"unknown stages: {', '.join(unknown)}; there are: {', '.join(known)}")
    return [name for name in known if name in asked and name not in options.skip.split(",")]


def _run_stage(
    name: str, folder: Path, options: argparse.Namespace, found: dict[str, Any], *, end: float
) -> None:
    from gpu_chain.stages import STAGES

    stage = next(stage for stage in STAGES if stage.name == name)
    entry: dict[str, Any] = {"name": name, "network": stage.network, "rows": [], "why": ""}
    found["stages"].append(entry)
    left = end - time.monotonic()
    limit = min(left, options.setup_limit + 3 * options.seconds * len(options.feed))
    if left < 5:
        entry["why"] = "no time was left"
    else:
        began = time.monotonic()
        for message in _in_a_process(_measure, (name, folder, options), limit=limit):
            if "stopped" in message:
                entry["why"] = message["stopped"]
            else:
                entry["rows"].append(message)
            _store(options, found)
        entry["seconds"] = time.monotonic() - began
    _store(options, found)
    print(f"{name}: {json.dumps(entry['rows'], default=str)}", flush=True)
    if entry["why"]:
        print(f"{name} did not end: {entry['why']}", flush=True)


def _run_goldens(options: argparse.Namespace, found: dict[str, Any], *, end: float) -> None:
    limit = min(max(end - time.monotonic(), 1.0), options.setup_limit)
    for message in _in_a_process(_compare, (options,), limit=limit):
        found["goldens"] += message.get("rows", [])
        if "stopped" in message:
            print(f"goldens did not end: {message['stopped']}")
        _store(options, found)


def _store(options: argparse.Namespace, found: dict[str, Any]) -> None:
    from gpu_chain.report import markdown

    (options.output / "gpu.json").write_text(json.dumps(found, indent=1, default=str), "utf-8")
    (options.output / "gpu.md").write_text(markdown(found), "utf-8")


def _in_a_process(work: Any, arguments: tuple[Any, ...], *, limit: float) -> Any:
    """Yield what a function sends from a process of its own, and an error as the last of it."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_guarded, args=(work, sender, *arguments))
    process.start()
    sender.close()
    end = time.monotonic() + limit
    try:
        while receiver.poll(max(end - time.monotonic(), 0)):
            yield receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode:
            yield {"stopped": f"the process died with code {process.exitcode}"}
        return
    finally:
        process.kill()
        process.join()
    yield {"stopped": f"was stopped after {limit:.0f} s"}


def _guarded(work: Any, sender: Connection, *arguments: Any) -> None:
    try:
        for message in work(*arguments):
            sender.send(message)
    except Exception as error:  # noqa: BLE001 - the others go on; whoever reads it wants all of it
        traceback.print_exc()
        sender.send({"stopped": f"{traceback.format_exc(limit=-4)}{_first_line(error)}"})


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'without a message'}"


def _make_clips(folder: Path, options: argparse.Namespace) -> Any:
    import pickle

    from gpu_chain.clips import TINY, ClipPlan, make_clips

    plan = TINY if options.tiny else ClipPlan()
    (folder / "clips").mkdir()
    clips = make_clips(folder / "clips", plan)
    (folder / "clips.pickle").write_bytes(pickle.dumps(clips))
    width, height = plan.size
    told = f"{plan.count} clips of {width} x {height}, {plan.num_frames} frames, H.264"
    yield {"clips": told}


def _machine(options: argparse.Namespace) -> Any:
    import torch

    card, memory = "no GPU", 0.0
    if options.device.startswith("cuda"):
        torch.zeros(1, device=options.device)
        facts = torch.cuda.get_device_properties(torch.device(options.device))
        card, memory = facts.name, facts.total_memory / 2**30
    machine = {
        "card": card,
        "gpu_gib": round(memory, 1),
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": _version("transformers"),
        "av": _version("av"),
    }
    yield {"machine": machine}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _measure(name: str, folder: Path, options: argparse.Namespace) -> Any:
    import pickle

    import torch
    import transformers
    from gpu_chain.measure import Feed, measure_stage
    from gpu_chain.stages import STAGES

    torch.manual_seed(0)
    transformers.logging.disable_progress_bar()
    clips = pickle.loads((folder / "clips.pickle").read_bytes())
    feeds = [Feed(*map(int, feed.split("x"))) for feed in options.feed]
    weights = folder / name
    weights.mkdir()
    try:
        yield from measure_stage(
            next(stage for stage in STAGES if stage.name == name),
            clips,
            weights,
            device=torch.device(options.device),
            tiny=options.tiny,
            feeds=feeds,
            seconds=options.seconds,
        )
    finally:
        shutil.rmtree(weights, ignore_errors=True)


def _compare(options: argparse.Namespace) -> Any:
    import torch
    from gpu_chain.goldens import compare

    for rows in compare(options.goldens, torch.device(options.device)):
        yield {"rows": rows}


if __name__ == "__main__":
    main()
