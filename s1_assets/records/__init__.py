"""The nouns of the house: frozen dataclasses, and one Arrow schema per asset."""
