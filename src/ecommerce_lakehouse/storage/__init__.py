"""How files and Delta tables are kept. It knows no lesson, no date and no CSV."""
