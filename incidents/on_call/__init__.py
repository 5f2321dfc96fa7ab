"""Who is on call: by rotation, by override, or as a pager says."""
