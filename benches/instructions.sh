#!/usr/bin/env bash
# Counts the instructions that confscan runs on three fixed inputs, with one thread, and compares them with those in
# instructions.toml: time is noise on a shared machine, and these counts stay within a thousandth of each other.
# 10 % more is an error; 10 % less is worth a new number.
#
#     benches/instructions.sh            compare
#     benches/instructions.sh --renew    write what is counted now into instructions.toml
set -euo pipefail
cd "$(dirname "$0")/.."
table=benches/instructions.toml

if [ "$(uname -m)" != x86_64 ]; then
    echo "announced: instructions are only compared on x86_64, for which they were counted"
    exit 0
fi
if ! command -v valgrind >/dev/null && ! { apt-get update -q && apt-get install -qy valgrind; } >/dev/null 2>&1; then
    echo "announced: valgrind cannot be installed, instructions are not counted"
    exit 0
fi

# As the release is built, but for what only costs time here.
cargo build --locked --quiet --profile instructions
cargo build --locked --quiet --example generate
work=target/instructions/input
rm -rf "$work"
mkdir -p "$work"
target/debug/examples/generate "$work/generated" 200 100 >/dev/null

# count FOLDER PATH: the instructions of a scan of PATH.
count() {
    (cd "$1" && env -i SOURCE_DATE_EPOCH=1793491200 "$(command -v valgrind)" --tool=callgrind --callgrind-out-file=/dev/null \
        "$OLDPWD/target/instructions/confscan" --threads 1 --no-config --no-baseline --fail-on never --allow-gaps "$2" \
        2>&1 >/dev/null) | awk '/Collected/ { print $NF }'
}
names=(one_dockerfile estate generated)
counts=(
    "$(count testdata/repos/vuls-dev/both Dockerfile)"
    "$(count testdata/repos vuls-dev/both)"
    "$(count "$work" generated)"
)

rustc=$(rustc --version | cut -d' ' -f2)
if [ "${1:-}" = --renew ]; then
    {
        echo "# Instructions of a scan, written by benches/instructions.sh --renew."
        echo "rustc = \"$rustc\""
        for at in "${!names[@]}"; do echo "${names[at]} = ${counts[at]}"; done
    } >"$table"
    cat "$table"
    exit 0
fi

known() { sed -n "s/^$1 = //p" "$table" | tr -d '"'; }
failed=0
for at in "${!names[@]}"; do
    name=${names[at]} now=${counts[at]} before=$(known "${names[at]}")
    if ! [ "${now:-0}" -gt 0 ] || ! [ "${before:-0}" -gt 0 ]; then
        echo "$name: counted '$now', known '$before'" >&2
        exit 2
    fi
    change=$(((now - before) * 1000 / before))
    sign=+
    [ "$change" -ge 0 ] || sign=-
    printf '%-15s %12d instructions, %12d known: %s%d.%d %%\n' "$name" "$now" "$before" "$sign" $((${change#-} / 10)) \
        $((${change#-} % 10))
    if [ "$change" -ge 100 ]; then
        failed=1
    elif [ "$change" -le -100 ]; then
        echo "$name: faster by a tenth or more; benches/instructions.sh --renew keeps it so"
    fi
done
[ "$rustc" = "$(known rustc)" ] || echo "the known numbers are those of rustc $(known rustc), these are those of rustc $rustc"
if [ "$failed" = 1 ]; then
    echo "slower by a tenth or more: see which function it is with valgrind --tool=callgrind and callgrind_annotate, or say" >&2
    echo "in the commit why it has to be, and run benches/instructions.sh --renew" >&2
    exit 1
fi
