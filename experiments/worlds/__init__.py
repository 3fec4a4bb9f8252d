"""What a study is about: a toy language with an exact judge, an everyday world in English, users' chats, and nulls."""
