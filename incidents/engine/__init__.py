"""The transaction that turns a change into state, timeline entries, effects and reminders."""
