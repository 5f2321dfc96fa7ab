"""Who may do what: `decide`, and the stages it depends on."""
