"""The lakehouse: raw files in, tables out."""
