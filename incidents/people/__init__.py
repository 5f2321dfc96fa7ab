"""The directory of people, and who can take a role."""
