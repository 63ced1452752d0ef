#!/usr/bin/env bash
# Installs Sartor into an environment of its own and puts that on the path of the steps that follow.
set -euo pipefail

if [ -z "$INPUT_VERSION$INPUT_REQUIREMENTS" ] && command -v sartor >/dev/null; then
    sartor --version
    exit
fi
environment=$RUNNER_TEMP/sartor-environment
python3 -m venv --without-pip "$environment"
pip=(python3 -m pip --python "$environment/bin/python" --disable-pip-version-check --quiet install)
if [ -n "$INPUT_REQUIREMENTS" ]; then
    "${pip[@]}" --require-hashes --requirement "$INPUT_REQUIREMENTS"
else
    "${pip[@]}" "sartor${INPUT_VERSION:+==$INPUT_VERSION}"
fi
echo "$environment/bin" >>"$GITHUB_PATH"
"$environment/bin/sartor" --version
