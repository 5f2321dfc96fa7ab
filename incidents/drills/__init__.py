"""Drills: how one starts, its steps, its score."""
