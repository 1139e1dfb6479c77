#!/usr/bin/env bash
# The fast checks, the quickest first: lint, format, types, layers, unit and property tests with coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
reports=build/reports
mkdir -p "$reports"

step() { # title, command …
  local title=$1 began=$SECONDS
  shift
  printf '\033[2m·\033[0m %s\n' "$title"
  if ! output=$("$@" 2>&1); then
    printf '%s\n\033[31m✗\033[0m %s: %s\n' "$output" "$title" "$*"
    exit 1
  fi
  printf '\033[32m✓\033[0m %s \033[2m%s s\033[0m\n' "$title" $((SECONDS - began))
}

step "lint" $bin/ruff check .
step "format" $bin/ruff format --check .
step "types" $bin/mypy operator hack tests e2e bench
step "layers" $bin/lint-imports
step "generated files" $bin/python -m hack.generate --check
$bin/pytest operator tests/unit tests/properties -n 2 -q --junitxml="$reports/1-unit.xml" --cov --cov-report=
# What decides is proven here, in seconds; what speaks to others is counted with the rings that have them (test.sh).
step "coverage of the pure part" $bin/coverage report --fail-under=97 \
  --include='*/tritium/api/*,*/tritium/core/*,*/tritium/resources/*'
