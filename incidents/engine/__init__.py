"""How a change becomes state, timeline entry, effects and reminders: one transaction."""
