#!/usr/bin/env bash
# Scans once, writes every report that was asked for, and says what came of it. The verdict is left to a later step, so
# that the log is uploaded before the job fails. Runs on the bash 3.2 of macOS, too.
set -euo pipefail

fail() {
    echo "::error title=confscan::$1"
    exit 2
}

one_line() {
    case $2 in
    *$'\n'* | *$'\r'*) fail "$1 has a line break" ;;
    esac
}

flag() {
    case $2 in
    true | false) ;;
    *) fail "$1 is true or false" ;;
    esac
}

# The real path of a folder; that of Windows in its shell, for programs that know no other.
real() {
    cd -P "$1" && { pwd -W 2>/dev/null || pwd -P; }
}

for name in working-directory config fail-on min-confidence baseline diff-base paths-file sarif-file; do
    variable=INPUT_$(printf %s "$name" | tr a-z- A-Z_)
    one_line "$name" "${!variable}"
done
for name in allow-no-files annotations summary upload-sarif; do
    variable=INPUT_$(printf %s "$name" | tr a-z- A-Z_)
    flag "$name" "${!variable}"
done

folder=$(mktemp -d "$RUNNER_TEMP/confscan.XXXXXX")
workspace=$(real "$GITHUB_WORKSPACE")
cd -P "$workspace/$INPUT_WORKING_DIRECTORY" || fail 'working-directory is not there'
case $(real .)/ in
"$workspace"/*) ;;
*) fail 'working-directory leads out of the workspace' ;;
esac

# Sets `placed` to the absolute path of a file to write, $2 seen from the folder $3. It stays in the workspace, whatever
# links the checkout has, and what the checkout has in its place must not be taken for this scan's.
place() {
    case $2 in
    '' | - | /* | [A-Za-z]:* | */ | *\\*) fail "$1 is no path of a file from the workspace" ;;
    esac
    local parent
    parent=$(real "$3/$(dirname -- "./$2")") || fail "the folder of $1 is not there"
    case $parent/ in
    "$workspace"/*) ;;
    *) fail "$1 leads out of the workspace" ;;
    esac
    placed=$parent/$(basename -- "./$2")
    [ ! -d "$placed" ] || fail "$1 is a folder"
    rm -f -- "$placed"
}

sarif=
if [ -n "$INPUT_SARIF_FILE" ]; then
    place sarif-file "$INPUT_SARIF_FILE" "$workspace"
    sarif=$placed
elif [ "$INPUT_UPLOAD_SARIF" = true ]; then
    sarif=$folder/confscan.sarif
fi

# Paths in the reports are those of the repository, wherever in it the scan is.
arguments=(--root "$workspace" -o "json=$folder/report.json")
[ "$INPUT_ANNOTATIONS" = false ] || arguments+=(--format github)
[ "$INPUT_SUMMARY" = false ] || arguments+=(-o "markdown=$folder/summary.md")
[ -z "$sarif" ] || arguments+=(-o "sarif=$folder/log.sarif")
[ -z "$INPUT_CONFIG" ] || arguments+=("--config=$INPUT_CONFIG")
[ -z "$INPUT_FAIL_ON" ] || arguments+=("--fail-on=$INPUT_FAIL_ON")
[ -z "$INPUT_MIN_CONFIDENCE" ] || arguments+=("--min-confidence=$INPUT_MIN_CONFIDENCE")
[ -z "$INPUT_BASELINE" ] || arguments+=("--baseline=$INPUT_BASELINE")
[ -z "$INPUT_DIFF_BASE" ] || arguments+=("--diff-base=$INPUT_DIFF_BASE")
while IFS= read -r line; do
    [ -n "$line" ] || continue
    case $line in
    *=*) ;;
    *) fail 'reports are lines FORMAT=FILE' ;;
    esac
    place reports "${line#*=}" .
    arguments+=("--output=${line%%=*}=$placed")
done <<<"$INPUT_REPORTS"
while IFS= read -r line; do
    [ -z "$line" ] || arguments+=("$line")
done <<<"$INPUT_ARGS"
# Nothing behind it is an option, and no path is the standard input.
arguments+=(--)
paths=0
add_path() {
    [ -n "$1" ] || return 0
    paths=$((paths + 1))
    if [ "$1" = - ]; then arguments+=(./-); else arguments+=("$1"); fi
}
if [ -n "$INPUT_PATHS_FILE" ]; then
    [ -f "$INPUT_PATHS_FILE" ] || fail 'paths-file is not there'
    while IFS= read -r -d '' path; do
        # What a change has deleted is listed, too.
        [ ! -e "$path" ] || add_path "$path"
    done <"$INPUT_PATHS_FILE"
else
    while IFS= read -r path; do
        add_path "$path"
    done <<<"$INPUT_PATHS"
fi

code=0
if [ "$paths" = 0 ]; then
    # Without a path confscan would take the current folder.
    echo 'confscan: no path was given'
    code=3
elif [ "$INPUT_ANNOTATIONS" = true ]; then
    "$CONFSCAN" "${arguments[@]}" </dev/null || code=$?
else
    # Nothing that a file says is a command to the runner.
    stop=confscan-$RANDOM$RANDOM$RANDOM$RANDOM
    echo "::stop-commands::$stop"
    "$CONFSCAN" "${arguments[@]}" </dev/null || code=$?
    echo "::$stop::"
fi

# The summary of the report is a line of its own, of words and numbers, before anything that comes from the files.
line=
if [ -f "$folder/report.json" ]; then
    line=$(sed -n '/^"summary":{/{p;q;}' "$folder/report.json")
fi
number() {
    value=${line#*\""$1"\":}
    value=${value%%[!0-9]*}
    [ "$line" != "${line#*\""$1"\":}" ] || value=0
    printf %s "${value:-0}"
}
new=$(number findings)
highest=none
for severity in info low medium high critical; do
    [ "$(number "$severity")" = 0 ] || highest=$severity
done

written=false
if [ -n "$sarif" ] && [ -s "$folder/log.sarif" ]; then
    mv -f -- "$folder/log.sarif" "$sarif"
    written=true
fi
if [ -f "$folder/summary.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi

verdict=$code
case $code in
0 | 1 | 2) ;;
3)
    if [ "$INPUT_ALLOW_NO_FILES" = true ]; then
        verdict=0
    else
        echo '::error title=confscan::nothing to scan; allow-no-files says that this is fine'
    fi
    ;;
*) echo "::error title=confscan::confscan ended with $code" ;;
esac
[ "$written" = true ] || sarif=
# Numbers, fixed words, and a path that the workflow wrote.
cat >>"$GITHUB_OUTPUT" <<OUTPUTS
exit-code=$code
verdict=$verdict
findings=$((new + $(number known)))
new-findings=$new
highest-severity=$highest
sarif-file=$sarif
sarif-written=$written
OUTPUTS
