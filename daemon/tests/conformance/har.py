"""Reads redbot's HAR and fails when it says that something is bad: har.py PATH <HAR."""

import json
import sys

entries = json.load(sys.stdin)["log"]["entries"]
notes = [note for entry in entries for note in entry.get("_red_messages", [])]
bad = [note["summary"] for note in notes if note["level"] == "BAD"]
if not notes or bad:
    sys.exit(f"redbot: {sys.argv[1]}: {bad or 'no answer was looked at'}")
print(f"redbot: {sys.argv[1]}: nothing is bad in {len(notes)} notes")
