"""The policy's sections on who is woken, and by what."""
