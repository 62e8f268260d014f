#!/usr/bin/env bash
# Gets the confscan of the release that this checkout is, verified by the checksums in it, and says where it is.
# Runs on the bash 3.2 of macOS, too.
set -euo pipefail

fail() {
    echo "::error title=confscan::$1"
    exit 2
}

# Says where the program is, in a file whose every line GitHub reads.
installed() {
    case $1 in
    *$'\n'* | *$'\r'*) fail 'the path of the program has a line break' ;;
    esac
    printf 'binary=%s\n' "$1" >>"$GITHUB_OUTPUT"
    "$1" --version
    exit 0
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    fi
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
table=$here/checksums.txt

if [ -n "$INPUT_BINARY_PATH" ]; then
    # What a step before put there; seen from the workspace.
    case $INPUT_BINARY_PATH in
    /* | [A-Za-z]:*) binary=$INPUT_BINARY_PATH ;;
    *) binary=$GITHUB_WORKSPACE/$INPUT_BINARY_PATH ;;
    esac
    [ -f "$binary" ] && [ -x "$binary" ] || fail 'binary-path names no program'
    installed "$binary"
fi

case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
Linux-X64) target=x86_64-unknown-linux-musl ;;
Linux-ARM64) target=aarch64-unknown-linux-musl ;;
macOS-X64) target=x86_64-apple-darwin ;;
macOS-ARM64) target=aarch64-apple-darwin ;;
Windows-*) target=x86_64-pc-windows-msvc ;;
*) fail "there is no release for ${RUNNER_OS:-?} on ${RUNNER_ARCH:-?}: build confscan and name it in binary-path" ;;
esac
archive=confscan-$target.tar.gz
program=confscan
[ "${RUNNER_OS:-}" != Windows ] || program=confscan.exe

own=$(sed -n 's/^version \([0-9][0-9A-Za-z.-]*\)$/\1/p' "$table")
version=${INPUT_VERSION:-$own}
[ -n "$version" ] || fail "this checkout of the action is not a release, so there is nothing to download that it \
could verify: use the commit of a release, or build confscan and name it in binary-path"
case $version in
latest) from=latest/download ;;
*[!0-9A-Za-z.-]*) fail 'version is a number as 0.1.0, or latest' ;;
*) from=download/v$version ;;
esac

mirror=${INPUT_MIRROR:-https://github.com/confscan/confscan/releases}
case $mirror in
https://*) protocols='=https' ;;
# What is downloaded is verified however it came.
http://*) protocols='=http,https' ;;
*) fail 'mirror is no address of the web' ;;
esac

# The archive of the table's release is kept in the runner's cache of tools, and verified again whenever it is taken from
# there: other jobs of the runner can write to it. The program is unpacked anew each time.
cache=
if [ "$version" = "$own" ] && [ -n "${RUNNER_TOOL_CACHE:-}" ]; then
    cache=$RUNNER_TOOL_CACHE/confscan/$own/$target
fi

folder=$(mktemp -d "$RUNNER_TEMP/confscan.XXXXXX")
# Relative names from here on: tar takes what stands before the colon of D:\a for a host.
cd "$folder"
expected=
if [ "$version" = "$own" ]; then
    expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$table")
    [ "${#expected}" = 64 ] || fail "the table of checksums has no $archive"
fi
# A copy first: what is verified must be what is unpacked.
if [ -n "$cache" ] && [ -f "$cache/$archive" ] && cp -- "$cache/$archive" "$archive" 2>/dev/null; then
    if [ "$(sha256 "$archive")" = "$expected" ]; then
        tar -xzf "$archive" "confscan-$target/$program"
        installed "$folder/confscan-$target/$program"
    fi
    rm -f -- "$archive"
fi
curl --proto "$protocols" --proto-redir "$protocols" --tlsv1.2 --fail --silent --show-error --location \
    --retry 3 --connect-timeout 20 --max-time 300 --max-filesize 104857600 --output "$archive" \
    -- "${mirror%/}/$from/$archive" || fail "$archive of confscan $version cannot be downloaded; for a closed network see binary-path and mirror"

if [ "$version" = "$own" ]; then
    actual=$(sha256 "$archive")
    [ "$actual" = "$expected" ] || fail "$archive is not the file of the release: its SHA-256 is $actual instead of $expected"
    # Under its name only when it is whole. A cache that cannot be written is none.
    if [ -n "$cache" ] && mkdir -p -- "$cache" 2>/dev/null && part=$(mktemp "$cache/part.XXXXXX" 2>/dev/null); then
        { cp -- "$archive" "$part" && mv -f -- "$part" "$cache/$archive"; } 2>/dev/null || rm -f -- "$part"
    fi
else
    # The table is about one release. Another one proves where it was built.
    command -v gh >/dev/null || fail 'version needs the program gh to verify what was downloaded; without version nothing but this action is needed'
    gh attestation verify "$archive" --repo confscan/confscan \
        --signer-workflow confscan/confscan/.github/workflows/release.yml ||
        fail "$archive was not built by the release workflow of confscan"
fi
tar -xzf "$archive" "confscan-$target/$program"
installed "$folder/confscan-$target/$program"
