#!/usr/bin/env bash
# Build the one-folder program in build/dist/hearthlight, look at what it holds, and let it test itself.
set -euo pipefail
cd "$(dirname "$0")/.."
bundle=build/dist/hearthlight

echo "[1/4] Building (a few minutes)"
.venv/bin/python -m PyInstaller --noconfirm --log-level WARN \
  --distpath build/dist --workpath build/pyinstaller packaging/hearthlight.spec

echo "[2/4] Stripping debug symbols"
before=$(du -sm "$bundle" | cut -f1)
if command -v strip >/dev/null; then
  # Some wheels ship debug information that nobody needs to run them. Only those: the libraries of others
  # were moved about by patchelf, and strip can break such a file.
  find "$bundle" -type f \( -name '*.so' -o -name '*.so.*' \) \
    \( -path '*/spacy/*' -o -path '*/thinc/*' -o -path '*/blis/*' -o -path '*/cymem/*' -o -path '*/preshed/*' \
       -o -path '*/murmurhash/*' -o -path '*/srsly/*' -o -path '*/sqlcipher3/*' -o -name 'libpython*' \) \
    -exec strip --strip-debug {} +
fi
echo "      $before MB, then $(du -sm "$bundle" | cut -f1) MB"

echo "[3/4] Looking at what it holds"
# GPL modules of Qt, and a browser that nobody wants, must never slip in with an update.
if find "$bundle" -iregex '.*\(WebEngine\|VirtualKeyboard\|Qt6?Charts\|Qt6?Graphs\|DataVisualization\|NetworkAuth\).*' |
  grep -v '\.py[c]*$' | grep .; then
  echo "The files above may not be in the bundle." >&2; exit 1
fi
for needed in NOTICES.md LICENSE licences/LGPL-3.0.txt resources/style.qss PySide6/Qt/plugins/platforms/libqoffscreen.so; do
  [ -e "$bundle/_internal/$needed" ] || { echo "$needed is missing from the bundle." >&2; exit 1; }
done

echo "[4/4] Testing itself, with nothing of this machine's Python"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
env -i HOME="$home" TMPDIR="$home" PATH=/nonexistent LANG=C.UTF-8 QT_QPA_PLATFORM=offscreen \
  "$bundle/hearthlight" self-test
if command -v desktop-file-validate >/dev/null; then desktop-file-validate packaging/linux/*.desktop; fi
if command -v appstreamcli >/dev/null; then appstreamcli validate --no-net packaging/linux/*.metainfo.xml; fi
echo "$(du -sm "$bundle" | cut -f1) MB in $bundle"
