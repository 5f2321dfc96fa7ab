"""Declaring, status, severity, editing, milestones, resolving."""
