"""Configuration: the environment as frozen settings, and the policy with its templates."""
