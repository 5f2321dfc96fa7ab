"""What the bot shows, plans and records in all scenarios, frozen, so that moving code changes none.

`snapshots/` holds the texts: one file per scenario module, and `planned_work.txt` for what follows
from each kind of timeline entry. Each scenario checks itself against them; `make freeze` records
them anew, `make freeze-check` also finds what is no longer shown, `make freeze-add` adds what only
happens sometimes.
"""
