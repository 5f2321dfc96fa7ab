"""Escalations: the packet and its completeness, the ladder of steps, and the answers."""
