"""Configuration: settings from the environment, the policy, scenarios and templates."""
