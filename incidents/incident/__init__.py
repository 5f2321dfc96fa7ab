"""The incident: its row, lifecycle, roles, timeline, and read models for a viewer."""
