"""Roles and command: assigning, taking over, handing off."""
