"""Home, lists, help, people and failures."""
