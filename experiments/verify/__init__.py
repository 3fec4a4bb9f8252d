"""Published numbers, computed again from the committed rows by code that is independent of the code that made them.

It reads JSON and imports no other package. What it does not know: whether the rows are right, because the answers that
they were computed from are not committed, those of `reach` excepted.
"""
