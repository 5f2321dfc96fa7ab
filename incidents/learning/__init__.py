"""Shadows, debriefs and mentors."""
