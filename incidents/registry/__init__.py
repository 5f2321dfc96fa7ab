"""What the features declare, collected. Read it to know all that Sitrep does by itself."""
