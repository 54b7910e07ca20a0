# docker build -t litmore . && docker run --rm -v "$PWD/logs:/work/logs" litmore fit --config mlp
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends graphviz \
    && rm -rf /var/lib/apt/lists/*

# torch for CPUs; for CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /litmore
COPY requirements.lock ./
RUN pip install --no-cache-dir --constraint requirements.lock --index-url "$TORCH_INDEX" torch

COPY . .
RUN pip install --no-cache-dir --constraint requirements.lock .

WORKDIR /work
ENTRYPOINT ["litmore"]
CMD ["--help"]
