"""Check-ins: a task for one person, with a time box."""
