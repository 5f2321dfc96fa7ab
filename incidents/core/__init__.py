"""What everything is made of: clock, ids, times, errors, people, the hash chain."""
