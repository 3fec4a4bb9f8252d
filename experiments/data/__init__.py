"""Readers of users' files (chats, rows, questions), and the questions that ship with the package."""
