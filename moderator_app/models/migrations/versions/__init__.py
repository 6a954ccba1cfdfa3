"""One schema step a file, forward only."""
