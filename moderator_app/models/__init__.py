"""What is remembered: the encrypted file and its tables."""
