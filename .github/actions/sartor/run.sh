#!/usr/bin/env bash
# Runs a command of Sartor; its exit code is that of the step.
set -euo pipefail

words=("$INPUT_COMMAND")
case $INPUT_COMMAND in
lint | status | verify) ;;
prove) words+=(--check) ;;
rehearse | check | deploy) words+=("${INPUT_TARGET:-latest}") ;;
*)
    echo "error: the action has no command '$INPUT_COMMAND'"
    exit 2
    ;;
esac
while IFS= read -r argument; do
    [ -z "$argument" ] || words+=("$argument")
done <<<"$INPUT_ARGUMENTS"

if [ "$INPUT_COMMAND" = lint ]; then
    sartor db alteration "${words[@]}" --format github || true # annotations; what counts is below
fi

result=$RUNNER_TEMP/sartor-$INPUT_COMMAND.json
# What scripts print, and what the database says, is no command for the runner.
token=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
echo "::stop-commands::$token"
code=0
sartor db alteration "${words[@]}" --json >"$result" || code=$?
echo "::$token::"

printf '%s\n' "exit-code=$code" "result=$result" >>"$GITHUB_OUTPUT"
python3 "$GITHUB_ACTION_PATH/summary.py" "$code" "$INPUT_COMMAND" <"$result" >>"$GITHUB_STEP_SUMMARY" ||
    echo "warning: the job has no summary"
exit "$code"
