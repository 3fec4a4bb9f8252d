"""Recomputes published numbers from the committed rows, with code that is independent of the code that made them.

It reads JSON and imports no other package of the project. Limit: it cannot check the rows, because the answers that
they were computed from are not committed (except those of `reach`).
"""
