#!/usr/bin/env bash
# Collect every string into resources/i18n/hearthlight_*.ts and compile them. A new language: translations.sh pl
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p resources/i18n
languages=("$@")
for file in resources/i18n/hearthlight_*.ts; do
  [ -e "$file" ] || continue
  name=${file##*hearthlight_}; languages+=("${name%.ts}")
done
[ ${#languages[@]} -gt 0 ] || { echo "Name a language, for example: packaging/translations.sh pl"; exit 2; }
mapfile -t sources < <(find moderator_app -name '*.py' | sort)
for language in $(printf '%s\n' "${languages[@]}" | sort -u); do
  .venv/bin/pyside6-lupdate "${sources[@]}" -ts "resources/i18n/hearthlight_$language.ts" -source-language en -target-language "$language"
  .venv/bin/pyside6-lrelease "resources/i18n/hearthlight_$language.ts" -qm "resources/i18n/hearthlight_$language.qm"
done
