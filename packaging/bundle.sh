#!/usr/bin/env bash
# Build the one-folder program in build/dist/hearthlight and let it test itself.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "[1/3] Building (a few minutes)"
.venv/bin/python -m PyInstaller --noconfirm --log-level WARN --distpath build/dist --workpath build/pyinstaller packaging/hearthlight.spec
echo "[2/3] Stripping debug symbols"
if command -v strip >/dev/null; then
  # The wheels of spaCy and its friends ship debug information that nobody needs to run them.
  find build/dist/hearthlight -name '*.so*' -type f \
    \( -path '*spacy*' -o -path '*thinc*' -o -path '*blis*' -o -path '*cymem*' -o -path '*preshed*' \
       -o -path '*murmurhash*' -o -path '*srsly*' -o -name 'libpython*' \) -exec strip --strip-debug {} + 2>/dev/null || true
fi
echo "[3/3] Testing itself"
QT_QPA_PLATFORM=offscreen build/dist/hearthlight/hearthlight self-test
du -sh build/dist/hearthlight
if command -v desktop-file-validate >/dev/null; then desktop-file-validate packaging/linux/*.desktop; fi
if command -v appstreamcli >/dev/null; then appstreamcli validate --no-net packaging/linux/*.metainfo.xml; fi
