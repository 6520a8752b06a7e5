"""The nine notebooks as files, and what they show."""
