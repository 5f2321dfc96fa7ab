"""Backups: made while the bot writes, checked, and restored so that nothing happens twice."""
