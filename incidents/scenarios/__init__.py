"""The scripts behind drills, and the runs of them."""
