"""Drills: starting one, its steps, its score."""
