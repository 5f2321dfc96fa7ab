"""The policy that the owner sets: its values, one module per section."""
