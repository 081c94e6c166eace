#!/bin/sh
# Speed of this coder beside what clinical teams use in Python, on the same notes in the same hour.
#
#   crates/coder/benches/peers.sh NOTES.jsonl [VENV]
#
# NOTES.jsonl holds {"text": …} lines. Installs the peers, pinned, from PyPI into VENV (default: a new temporary one).
# Prints CPU seconds, MB/s of CPU and start-up of each, then this coder's, so that the ratio can be read off.
set -eu
notes=${1:?usage: peers.sh NOTES.jsonl [VENV]}
venv=${2:-$(mktemp -d)/venv}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    spacy==3.7.5 medspacy==1.3.1 negspacy==1.0.4
export LOGURU_LEVEL=ERROR
for peer in phrasematcher negspacy medspacy; do
    "$venv/bin/python" "$here/peers.py" "$peer" "$notes" || echo "$peer: did not run"
done
cargo run --quiet --release --manifest-path "$here/../Cargo.toml" --example speed -- --rounds 3 "$notes"
