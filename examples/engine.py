#!/usr/bin/env python3
"""An engine of one's own: one chart a line in, one answer a line out.

dayfly run --input examples/charts --output out -- python3 examples/engine.py --seconds 0.05

It finds two words and takes its time over each chart, so that there is something to watch.
"""
import argparse
import json
import sys
import time

CODES = {"hypertension": "I10", "pneumonia": "J18.9"}

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=0.0, help="time to take over each chart")
seconds = parser.parse_args().seconds

for line in sys.stdin:
    chart = json.loads(line)
    text = chart["text"]
    findings = []
    for word, code in CODES.items():
        at = text.lower().find(word)
        if at >= 0:
            # Offsets are bytes of UTF-8, not characters.
            begin = len(text[:at].encode())
            evidence = text[at : at + len(word)]
            findings.append({"code": code, "assertion": "present", "evidence": evidence,
                             "begin": begin, "end": begin + len(evidence.encode())})
    time.sleep(seconds)
    print(json.dumps({"id": chart["id"], "findings": findings}), flush=True)
