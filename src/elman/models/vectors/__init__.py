"""Word vectors: their settings, and the loops that train them."""
