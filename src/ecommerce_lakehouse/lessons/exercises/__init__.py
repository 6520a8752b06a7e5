"""Exercises: each in a file of its own, with what is right, what is wrong, and what helps."""
