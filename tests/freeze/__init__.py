"""Freezes what the bot shows, plans and records in the scenarios; moving code must not change it.

`snapshots/` holds the texts: one file per scenario module, and `planned_work.txt` for what follows
from each kind of timeline entry. `make freeze-check` compares: run it before and after moving code.
`make freeze` records everything again; `make freeze-add` adds what happens only sometimes.
"""
