"""The transformations, exported from the notebooks that teach them."""
