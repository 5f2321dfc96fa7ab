"""Home, lists, help, people, failures: looking without changing."""
