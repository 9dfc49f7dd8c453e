#!/usr/bin/env bash
# The training of the speech detector runs from made tones to an ONNX file. Needs python3-torch and python3-onnx.
root=${ASSAY_ROOT:-.}
python=/usr/bin/python3
echo 1..1
if ! "$python" -c 'import torch, onnx' 2>/dev/null; then
    echo 'ok 1 - trains on made tones # SKIP python3-torch and python3-onnx are not installed'
    exit 0
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
export PYTHONDONTWRITEBYTECODE=1
if "$python" "$root/models/train/train_speech.py" short --out "$out" >"$out/log" 2>&1; then
    echo 'ok 1 - trains on made tones'
else
    sed 's/^/# /' "$out/log"
    echo 'not ok 1 - trains on made tones'
fi
