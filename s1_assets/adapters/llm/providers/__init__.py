"""One module or package per provider; none knows another."""
