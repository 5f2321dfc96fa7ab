"""The postmortem: draft, file, owner, due date, action items."""
