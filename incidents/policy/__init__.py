"""The owner's policy: its values, by section."""
