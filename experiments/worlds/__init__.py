"""The worlds of studies: a toy language with an exact judge, an everyday world in English, users' chats, and nulls."""
