"""Files that others wrote, and the questions that ship with the package."""
