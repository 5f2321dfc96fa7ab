"""Who is on call, and who stands in: shown, and overridden."""
