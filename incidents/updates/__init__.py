"""Stakeholder updates: posting them, and the reminders that keep the cadence."""
