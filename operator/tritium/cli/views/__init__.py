"""What a command shows, as text and as JSON; pure: time and width are arguments."""
