"""A night as a document: the JSON lines of a session as a page, a picture, a table or a CUE sheet."""
