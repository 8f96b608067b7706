"""A party's node: who may ask it what, how it agrees with the others, and what it records."""
