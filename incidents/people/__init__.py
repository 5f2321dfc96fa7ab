"""The directory of people, and who can be assigned."""
