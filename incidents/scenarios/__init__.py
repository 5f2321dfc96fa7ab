"""The scripts behind drills, and their runs."""
