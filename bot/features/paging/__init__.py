"""Paging: asks the pagers, hears what they say, and notices people who have come."""
