"""What a moderator can do, without Qt and without any platform."""
