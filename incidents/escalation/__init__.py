"""Escalations: the packet, its completeness, the steps that are called, the answers."""
