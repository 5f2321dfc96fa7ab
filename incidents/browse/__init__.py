"""Read-only views: the Home tab and lists of incidents."""
