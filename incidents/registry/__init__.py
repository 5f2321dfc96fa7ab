"""What the features declare, collected: read it to see everything that Sitrep does by itself."""
