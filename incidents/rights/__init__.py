"""Who may do what: `decide`, and the stages that rights read."""
