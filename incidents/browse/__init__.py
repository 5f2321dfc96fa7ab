"""Looking without changing: the Home tab and lists of incidents."""
