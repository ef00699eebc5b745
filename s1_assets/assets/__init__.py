"""One file per artifact: what a row is, where the method comes from, how it is made. Artifacts know each other by
key.
"""
