"""What a command reads out of objects; pure."""
