"""N-of-N secret splitting: every share is needed to learn anything."""
