"""A Dagster code location that turns questions into verified reasoning data sets."""
