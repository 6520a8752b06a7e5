"""The lakehouse curriculum: what the nine notebooks share."""
