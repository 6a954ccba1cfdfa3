#!/usr/bin/env bash
# Resolve pyproject.toml's ranges and pin every file by hash, for every Python and platform we support.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
[ -x build/lock/bin/uv ] || { python3 -m venv build/lock && build/lock/bin/pip install --quiet uv; }
build/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
  --generate-hashes --no-header --quiet --output-file packaging/locked.txt
